import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Hint } from '../hint/hint.ts'
import { saveHints } from '../hint/store.ts'
import { Batcher } from '../platform/batch/batcher.ts'

/** What keeps a row, and not the whole batch, from being stored: values, and what they refer to. */
const REFUSED_ROW = /^2[23]/

/**
 * Stores hints that come in at about the same time in one statement, and says of each when it stands
 * in the table. Two statements under way keep the server busy while one of them waits for the disk;
 * more only make the batches smaller.
 */
export function hintWriter(db: Kysely<Database>): Batcher<Hint, void> {
  return new Batcher({
    work: (hints) => saveEach(db, hints),
    laneOf: (hint) => hint.integrationId,
    capacity: 10_000,
    batchSize: 500,
    mostInFlight: 2,
    longestWaitMs: 4_000,
  })
}

type Outcome = PromiseSettledResult<void>

/** A row that cannot be stored does not take its neighbours along: the batch is cut until it is alone. */
async function saveEach(db: Kysely<Database>, hints: readonly Hint[]): Promise<Outcome[]> {
  try {
    await saveHints(db, hints)
    return hints.map(() => ({ status: 'fulfilled', value: undefined }))
  } catch (error) {
    if (!isRefusedRow(error)) throw error
    if (hints.length === 1) return [{ status: 'rejected', reason: error }]
    const half = Math.ceil(hints.length / 2)
    const first = await saveEach(db, hints.slice(0, half))
    return [...first, ...(await saveEach(db, hints.slice(half)))]
  }
}

function isRefusedRow(error: unknown): boolean {
  return error instanceof Error && 'code' in error && REFUSED_ROW.test(String(error.code))
}
