import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { WorkspaceId } from '../ids.ts'
import { findBehind, lockPosition, savePosition, tryLockSink } from '../outbox/position-store.ts'
import { toPublication } from '../outbox/publication.ts'
import { readFeed } from '../outbox/store.ts'
import { appendLines } from './file-sink.ts'

/**
 * Brings a file up to date: what lies beyond its position goes in, then a position is saved, which
 * commits after the lines are flushed. A crash between the two repeats those lines, so a reader of
 * the file sees each publication at least once, in the order of the sequence of its workspace. Of
 * several workers one writes at a time and the others come back later. Entries that were pruned before
 * the file came to them are not written; how many they are is told.
 */
export interface AppendDeps {
  readonly db: Kysely<Database>
  /** The name under which positions are kept. */
  readonly sink: string
  /** `-` is standard output. */
  readonly path: string
}

export type AppendCounts = { appended: number; missed: number }

const WORKSPACES = 100
const LINES = 500

export async function appendOnce(deps: AppendDeps, signal: AbortSignal): Promise<AppendCounts> {
  const counts: AppendCounts = { appended: 0, missed: 0 }
  for (;;) {
    const behind = await findBehind(deps.db, deps.sink, WORKSPACES)
    let progressed = false
    for (const { workspaceId, missed } of behind) {
      signal.throwIfAborted()
      const batch = await deps.db
        .transaction()
        .execute((trx) => appendBatch(trx, deps, workspaceId))
      if (batch === 'locked') return counts
      counts.appended += batch.lines
      counts.missed += missed
      progressed ||= batch.hasMoved
    }
    if (!progressed) return counts
  }
}

async function appendBatch(
  trx: Transaction<Database>,
  { sink, path }: AppendDeps,
  workspaceId: WorkspaceId,
): Promise<{ lines: number; hasMoved: boolean } | 'locked'> {
  if (!(await tryLockSink(trx, sink))) return 'locked'
  const after = await lockPosition(trx, sink, workspaceId)
  const page = await readFeed(trx, workspaceId, after, LINES)
  const lines = page.entries.map((entry) => JSON.stringify(toPublication(entry)))
  if (lines.length > 0) await appendLines(path, lines)
  await savePosition(trx, sink, { workspaceId, sequence: page.position })
  // Entries that are pruned give no line, but lie behind us as well.
  return { lines: lines.length, hasMoved: page.position > after }
}
