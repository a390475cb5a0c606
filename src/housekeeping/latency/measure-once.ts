import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import {
  type LatencyName,
  addHints,
  addSlots,
  findThrough,
  lockProgress,
  saveProgress,
} from './latency-store.ts'

/** So many ended hints are read at a time: a second's work, and the rows of the pass are few. */
const MOST = 20_000

/**
 * Adds to the histograms what has ended since the last pass: in come hints and runs that ended, out
 * go the counts of a few buckets, with the instant up to which they are counted, in one transaction.
 * So everything counts once, whoever measures and however often a worker dies, and what ends a hint
 * or a run waits for nothing here.
 */
export async function measureLatencyOnce(
  db: Kysely<Database>,
  signal: AbortSignal,
): Promise<{ hints: number; slots: number }> {
  return {
    hints: await measure(db, 'hint_to_publication', signal),
    slots: await measure(db, 'slot_to_done', signal),
  }
}

async function measure(
  db: Kysely<Database>,
  name: LatencyName,
  signal: AbortSignal,
): Promise<number> {
  let measured = 0
  for (;;) {
    const { observed, isMore } = await db.transaction().execute((trx) => measureSpan(trx, name))
    measured += observed
    if (!isMore || signal.aborted) return measured
  }
}

async function measureSpan(
  trx: Transaction<Database>,
  name: LatencyName,
): Promise<{ observed: number; isMore: boolean }> {
  const after = await lockProgress(trx, name)
  // Another worker measures.
  if (after === undefined) return { observed: 0, isMore: false }
  const { through, isMore } = await findThrough(trx, name, { after, limit: MOST })
  if (through <= after) return { observed: 0, isMore: false }
  const span = { after, through }
  const observed = await (name === 'slot_to_done' ? addSlots(trx, span) : addHints(trx, span))
  await saveProgress(trx, name, through)
  return { observed, isMore }
}
