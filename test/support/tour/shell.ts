import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'

export interface Shown {
  readonly status: number
  readonly body: string
}

/** Runs a command as it is written, with these variables and no others. */
export type Shell = (command: string, variables: Readonly<Record<string, string>>) => Promise<Shown>

const execute = promisify(execFile)

/** What every curl of this shell is told by its configuration: to end with the status. */
const CURLRC = 'silent\nshow-error\nwrite-out = "\\n%{response_code}"\n'

/** A shell whose `curl` is the one of this machine, or the stand-in where there is none. */
export async function aShell(t: ExecutionContext, curl = findCurl()): Promise<Shell> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tour-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(path.join(folder, '.curlrc'), CURLRC)
  if (curl === 'stand-in') await placeStandIn(folder)
  const env = { PATH: `${folder}:${process.env['PATH']}`, CURL_HOME: folder, HOME: folder }
  return async (command, variables) => {
    const options = { env: { ...env, ...variables }, cwd: folder, maxBuffer: 2 ** 26 }
    const { stdout } = await execute('/bin/sh', ['-c', command], options)
    const end = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
  }
}

/** TOUR_CURL=stand-in asks for the stand-in on a machine that has the real one, too. */
function findCurl(): 'curl' | 'stand-in' {
  if (process.env['TOUR_CURL'] === 'stand-in') return 'stand-in'
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.some((folder) => isProgram(path.join(folder, 'curl'))) ? 'curl' : 'stand-in'
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function placeStandIn(folder: string): Promise<void> {
  const file = path.join(folder, 'curl')
  const script = path.join(import.meta.dirname, 'curl.ts')
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`)
  await chmod(file, 0o755)
}
