import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { SEALED_TABLES, resealBatch } from '../credential/reseal-store.ts'
import type { IntegrationId } from '../ids.ts'
import { resealSinks } from '../outbox/sink/secret-store.ts'
import { housekeepingLog as log } from '../platform/log.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'

/** Rows locked at once, for some milliseconds. */
const BATCH = 20

interface ResealDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
}

type ResealCounts = { resealed: number; unopened: number }

/**
 * Seals every credential, and the secret of every webhook, with the first of ENCRYPTION_KEYS, so that
 * the old key can be taken out of the configuration. Tokens and instants stay as they are; each batch
 * is a transaction, so that a crash costs nothing and several workers share the work.
 */
export async function resealOnce(
  { db, keys }: ResealDeps,
  signal: AbortSignal,
): Promise<ResealCounts> {
  const counts = { resealed: 0, unopened: 0 }
  for (const table of SEALED_TABLES) {
    const { resealed, unopened } = await resealAll<IntegrationId>(db, signal, {
      next: (trx, after) => resealBatch(trx, keys, { table, limit: BATCH, after }),
      tell: (integrationId) => log.error({ integrationId, table }, UNOPENED),
    })
    counts.resealed += resealed
    counts.unopened += unopened
  }
  return counts
}

/** The same for the secrets of the receivers of publications. */
export function resealSinksOnce(
  { db, keys }: ResealDeps,
  signal: AbortSignal,
): Promise<ResealCounts> {
  return resealAll<string>(db, signal, {
    next: (trx, after) => resealSinks(trx, keys, { limit: BATCH, after }),
    tell: (sink) => log.error({ sink, table: 'sink' }, UNOPENED),
  })
}

const UNOPENED = 'a secret does not open with the key that it names'

interface Resealing<Key> {
  /** Seals the next rows anew, by their keys; `last` is undefined where none was left. */
  readonly next: (
    trx: Transaction<Database>,
    after: Key | undefined,
  ) => Promise<{
    readonly resealed: number
    readonly unopened: readonly Key[]
    readonly last: Key | undefined
  }>
  readonly tell: (unopened: Key) => void
}

async function resealAll<Key>(
  db: Kysely<Database>,
  signal: AbortSignal,
  { next, tell }: Resealing<Key>,
): Promise<ResealCounts> {
  const counts = { resealed: 0, unopened: 0 }
  let after: Key | undefined
  while (!signal.aborted) {
    const batch = await db.transaction().execute((trx) => next(trx, after))
    counts.resealed += batch.resealed
    counts.unopened += batch.unopened.length
    for (const key of batch.unopened) tell(key)
    if (batch.last === undefined) break
    after = batch.last
  }
  return counts
}
