import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import {
  type ResealedBatch,
  type SealedTable,
  SEALED_TABLES,
  resealBatch,
} from '../credential/reseal-store.ts'
import type { IntegrationId } from '../ids.ts'
import { type ResealedSinks, resealSinks } from '../outbox/sink/secret-store.ts'
import { housekeepingLog as log } from '../platform/log.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'

/** Rows locked at once, for some milliseconds. */
const BATCH = 20

interface ResealDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
}

/**
 * Seals every credential, and the secret of every webhook, with the first of ENCRYPTION_KEYS, so that the old key can be taken out of
 * the configuration. Tokens and instants stay as they are; each batch is a transaction, so that a
 * crash costs nothing and several workers share the work.
 */
export async function resealOnce(
  deps: ResealDeps,
  signal: AbortSignal,
): Promise<{ resealed: number; unopened: number }> {
  const counts = { resealed: 0, unopened: 0 }
  for (const table of SEALED_TABLES) {
    const { resealed, unopened } = await resealTable(deps, table, signal)
    counts.resealed += resealed
    counts.unopened += unopened
  }
  return counts
}

async function resealTable(
  { db, keys }: ResealDeps,
  table: SealedTable,
  signal: AbortSignal,
): Promise<{ resealed: number; unopened: number }> {
  const counts = { resealed: 0, unopened: 0 }
  let after: IntegrationId | undefined
  while (!signal.aborted) {
    const batch: ResealedBatch = await db
      .transaction()
      .execute((trx) => resealBatch(trx, keys, { table, limit: BATCH, after }))
    counts.resealed += batch.resealed
    counts.unopened += batch.unopened.length
    for (const integrationId of batch.unopened) {
      log.error({ integrationId, table }, 'a secret does not open with the key that it names')
    }
    if (batch.last === undefined) break
    after = batch.last
  }
  return counts
}

/** As above, for the secrets of the receivers of publications. */
export async function resealSinksOnce(
  { db, keys }: { readonly db: Kysely<Database>; readonly keys: readonly EncryptionKey[] },
  signal: AbortSignal,
): Promise<{ resealed: number; unopened: number }> {
  const counts = { resealed: 0, unopened: 0 }
  let after: string | undefined
  while (!signal.aborted) {
    const batch: ResealedSinks = await db
      .transaction()
      .execute((trx) => resealSinks(trx, keys, { limit: BATCH, after }))
    counts.resealed += batch.resealed
    counts.unopened += batch.unopened.length
    for (const sink of batch.unopened) {
      log.error({ sink }, 'the secret of a sink does not open with the key that it states')
    }
    if (batch.last === undefined) break
    after = batch.last
  }
  return counts
}
