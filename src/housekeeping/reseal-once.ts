import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type ResealedBatch, resealBatch } from '../credential/reseal-store.ts'
import type { IntegrationId } from '../ids.ts'
import { housekeepingLog as log } from '../platform/log.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'

/** Rows locked at once, for some milliseconds. */
const BATCH = 20

/**
 * Seals every credential with the first of ENCRYPTION_KEYS, so that the old key can be taken out of
 * the configuration. Tokens and instants stay as they are; each batch is a transaction, so that a
 * crash costs nothing and several workers share the work.
 */
export async function resealOnce(
  { db, keys }: { readonly db: Kysely<Database>; readonly keys: readonly EncryptionKey[] },
  signal: AbortSignal,
): Promise<{ resealed: number; unopened: number }> {
  const counts = { resealed: 0, unopened: 0 }
  let after: IntegrationId | undefined
  while (!signal.aborted) {
    const batch: ResealedBatch = await db
      .transaction()
      .execute((trx) => resealBatch(trx, keys, { limit: BATCH, after }))
    counts.resealed += batch.resealed
    counts.unopened += batch.unopened.length
    for (const integrationId of batch.unopened) {
      log.error({ integrationId }, 'a credential does not open with the key that it names')
    }
    if (batch.last === undefined) break
    after = batch.last
  }
  return counts
}
