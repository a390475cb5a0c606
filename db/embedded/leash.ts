import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * A child on a leash never outlives us, and neither do its own children. It runs below a small shell
 * whose standard input is a pipe that only we hold: when our end closes, be it by `stop()`, by a
 * normal exit, by a crash or by SIGKILL, the shell's watching half signals the group and the shell
 * waits for the child. The shell leads a session, and so a process group, of its own: Ctrl-C reaches
 * us alone, and we can stop things in order.
 *
 * The group gets SIGTERM and SIGINT, which both halves of the shell ignore. Postgres takes the second
 * one for "disconnect everybody and stop"; but a shell lets its background jobs ignore SIGINT until
 * they ask for it, so only the first one ends a child that has just been born. Should somebody kill
 * the shell, the watching half lives on and still does its work when our end closes.
 */
const LEASH = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
trap "" INT TERM HUP
{ read -r nothing <&3; kill -TERM 0; kill -INT 0; } & watcher=$!
wait $child 2>/dev/null; status=$?
{ kill -KILL $watcher; wait $watcher; kill -TERM 0; } 2>/dev/null
exit $status
`

export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface LeashOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly stdout: 'pipe' | number
  readonly stderr: 'inherit' | number
  readonly account?: Account | undefined
}

export interface Leashed {
  readonly child: ChildProcess
  /** The exit code; a child ended by a signal counts as 128 and the signal's number. */
  readonly ended: Promise<number>
  /** Ends the child; look at `ended` for when it is gone. */
  stop(): void
}

export function spawnOnLeash(command: readonly string[], options: LeashOptions): Leashed {
  const { cwd, env, account } = options
  const stdio: StdioOptions = ['pipe', options.stdout, options.stderr]
  const child = spawn('/bin/sh', ['-c', LEASH, 'leash', ...command], {
    cwd,
    env,
    stdio,
    detached: true,
    ...account,
  })
  const ended = once(child, 'close').then(([code]) => Number(code ?? 1))
  // A child that cannot be started at all is an error for whoever awaits `ended`, now or later.
  ended.catch(() => {})
  return { child, ended, stop: () => child.stdin?.end() }
}
