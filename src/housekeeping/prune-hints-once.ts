import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { deleteSettledHints } from '../hint/prune-store.ts'
import { pause } from '../platform/lifecycle.ts'

/** Some ten milliseconds of work, in which the rows of a batch are locked; nobody waits for these. */
const BATCH = 5_000

/** Between two batches, so that what is written and vacuumed meanwhile gets its turn. */
const PAUSE_MS = 50

/** A million a round; what is left then waits for the next one. */
const MOST_BATCHES = 200

/**
 * Deletes hints a week after they were settled: until then they tell why a ticket was looked at. Batch
 * by batch, each a statement of its own that goes on where the one before it stopped, so that no index
 * entry of a deleted row is met twice; several workers share the work.
 */
export async function pruneHintsOnce(
  { db }: { readonly db: Kysely<Database> },
  signal: AbortSignal,
): Promise<{ hints: number }> {
  let hints = 0
  let from: Date | null = null
  for (let batches = 0; batches < MOST_BATCHES && !signal.aborted; batches++) {
    const batch: Awaited<ReturnType<typeof deleteSettledHints>> = await deleteSettledHints(db, {
      from,
      limit: BATCH,
    })
    hints += batch.deleted
    if (batch.deleted < BATCH || batch.until === null) break
    from = batch.until
    await pause(PAUSE_MS, signal)
  }
  return { hints }
}
