import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from '../../src/platform/errors.ts'
import { commandOf } from './process-table.ts'

export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly isReady: boolean
}

const POLL_MS = 10
/** A fast stop only writes a checkpoint; after this it gets an immediate one, safe but replayed. */
const FAST_STOP_MS = 20_000
const STOP_MS = 30_000

/**
 * The living server of a data directory, as its `postmaster.pid` tells it: line 1 the process,
 * line 4 the port, line 8 the state. A killed server leaves the file behind and its process id may
 * belong to a stranger now, so the process must also be one that serves this very directory.
 */
export function livePostmaster(data: string): Postmaster | undefined {
  const lines = readPidFile(data)
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  if (!commandOf(pid)?.includes(data)) return undefined
  return { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' }
}

function readPidFile(data: string): string[] {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    // No file: no server runs.
    return []
  }
}

/** Stops the server of a data directory, if there is one, and waits until it is gone. */
export async function stopPostmaster(data: string): Promise<void> {
  const startedAt = performance.now()
  let wanted: NodeJS.Signals | undefined = 'SIGINT'
  for (;;) {
    const postmaster = livePostmaster(data)
    if (postmaster === undefined) return
    if (wanted !== undefined) signalServer(postmaster.pid, wanted)
    const waitedMs = performance.now() - startedAt
    if (waitedMs > STOP_MS) {
      throw new DatabaseError(
        `Postgres in ${data} (process ${postmaster.pid}) does not stop: end it`,
      )
    }
    wanted = waitedMs > FAST_STOP_MS ? 'SIGQUIT' : undefined
    await sleep(POLL_MS)
  }
}

function signalServer(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!isGone) throw error
  }
}
