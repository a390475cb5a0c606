import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface ProcessEntry {
  /** Differs between two processes that have the same id one after the other. */
  readonly start: string
  readonly command: string
}

/** The living process with this id; a dead one that nobody has reaped yet does not live. */
function inspect(pid: number): ProcessEntry | undefined {
  try {
    return process.platform === 'linux' ? inspectProc(pid) : inspectPs(pid)
  } catch {
    // There is no such process, or it ended while we looked.
    return undefined
  }
}

function inspectProc(pid: number): ProcessEntry | undefined {
  // The name in parentheses may hold spaces and parentheses itself, so count from its end.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  return { start: fields[19] ?? '', command }
}

/** `Ss   Sun Nov 22 11:49:00 2026 /path/to/node file.ts` */
const PS_LINE = /^(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\d{4})\s+(.*)$/s

function inspectPs(pid: number): ProcessEntry | undefined {
  const columns = ['-o', 'stat=', '-o', 'lstart=', '-o', 'command=']
  const line = execFileSync('ps', ['-ww', ...columns, '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [, state = 'Z', start = '', command = ''] = PS_LINE.exec(line) ?? []
  return state.startsWith('Z') ? undefined : { start: String(Date.parse(`${start} UTC`)), command }
}

/** Names one process for ever: its id alone is given again to others. */
export function processTag(pid: number): string | undefined {
  const entry = inspect(pid)
  return entry === undefined ? undefined : `${pid}-${entry.start}`
}

export function isTagAlive(tag: string): boolean {
  return processTag(Number.parseInt(tag, 10)) === tag
}

export function commandOf(pid: number): string | undefined {
  return inspect(pid)?.command
}
