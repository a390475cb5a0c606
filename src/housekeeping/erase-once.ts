import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import {
  type Head,
  claimErasures,
  endErasures,
  eraseAll,
  eraseRevisions,
  postponeErasures,
  readHeads,
  readRevisionBelow,
} from '../transcript/erasure-store.ts'
import { isStillSaid } from '../transcript/still-said.ts'

/** Transcripts looked at in one transaction. */
const BATCH = 100

export interface EraseDeps {
  readonly db: Kysely<Database>
  /** The names of the sinks of the environment, which every publication goes to. */
  readonly sinks: readonly string[]
}

export type EraseCounts = { erased: number; postponed: number }

/**
 * Erases the text that was taken back, once the revision that takes it back has come to an end at
 * every sink: all text of a transcript that is retracted, and of one that is live the earlier
 * revisions that say what the newest one does not say any more. Revisions that only grew stay, for
 * readers of the feed who are behind. What is left to do stands in rows that are written with the
 * revisions themselves and go with the text, in one transaction a batch: a crash anywhere repeats a
 * batch, and any number of workers share the work.
 */
export async function eraseOnce(
  { db, sinks }: EraseDeps,
  signal: AbortSignal,
): Promise<EraseCounts> {
  const counts: EraseCounts = { erased: 0, postponed: 0 }
  while (!signal.aborted) {
    const batch = await db.transaction().execute((trx) => eraseBatch(trx, sinks))
    if (batch === 'nothing due') break
    counts.erased += batch.erased
    counts.postponed += batch.postponed
  }
  return counts
}

async function eraseBatch(
  trx: Transaction<Database>,
  sinks: readonly string[],
): Promise<EraseCounts | 'nothing due'> {
  const noted = await claimErasures(trx, BATCH)
  if (noted.length === 0) return 'nothing due'
  // A second statement, so that it sees what was committed until the locks were ours.
  const heads = await readHeads(trx, noted, sinks)
  const waiting = heads.filter((head) => !head.isDelivered)
  const ready = heads.filter((head) => head.isDelivered)
  await postponeErasures(trx, waiting)
  let erased = await eraseAll(
    trx,
    ready.filter((head) => !head.isLive),
  )
  for (const head of ready) if (head.isLive) erased += await eraseTakenBack(trx, head)
  await endErasures(trx, ready)
  return { erased, postponed: waiting.length }
}

/** Answers how many revisions of a live transcript were erased. */
async function eraseTakenBack(trx: Transaction<Database>, head: Head): Promise<number> {
  const newest = await readRevisionBelow(trx, head, head.revision + 1)
  const takenBack: number[] = []
  let revision = head.revision
  while (newest !== undefined) {
    const earlier = await readRevisionBelow(trx, head, revision)
    if (earlier === undefined) break
    // Whatever stood before it still stood in it: where it is said, so is all of that.
    if (earlier.revision < head.fromRevision && takenBack.length === 0) break
    if (!isStillSaid(earlier.turns, newest.turns)) takenBack.push(earlier.revision)
    revision = earlier.revision
  }
  if (takenBack.length > 0) await eraseRevisions(trx, head, takenBack)
  return takenBack.length
}
