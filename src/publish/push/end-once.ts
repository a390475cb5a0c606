import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { buryDeliveries, dropDeliveries, lockSink } from '../../outbox/sink/health-store.ts'

/** Rows changed in one transaction. */
const BATCH = 1_000

export type EndCounts = { buried: number; dropped: number }

/**
 * Ends what waits for a sink that does not send any more, a batch a transaction: of one that is
 * stopped or off it becomes dead, of one that is deleted it goes, and the sink with the last of it.
 */
export async function endOnce(
  db: Kysely<Database>,
  name: string,
  signal: AbortSignal,
): Promise<EndCounts> {
  const counts: EndCounts = { buried: 0, dropped: 0 }
  while (!signal.aborted) {
    const { buried = 0, dropped = 0 } = await db.transaction().execute((trx) => endBatch(trx, name))
    counts.buried += buried
    counts.dropped += dropped
    if (buried + dropped === 0) break
  }
  return counts
}

async function endBatch(trx: Transaction<Database>, name: string): Promise<Partial<EndCounts>> {
  const health = await lockSink(trx, name)
  if (health === undefined || health.state === 'active') return {}
  return health.state === 'deleted'
    ? { dropped: await dropDeliveries(trx, name, BATCH) }
    : { buried: await buryDeliveries(trx, name, BATCH) }
}
