import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId } from '../ids.ts'
import { CredentialError } from '../platform/errors.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'
import { readCredential, sealPair } from './store.ts'
import { readWebhookSecret, sealSecret } from './webhook/secret-store.ts'

export interface ResealedBatch {
  readonly resealed: number
  /** Sealed with a key whose id we have and whose bytes we do not. */
  readonly unopened: readonly IntegrationId[]
  /** The last integration looked at; undefined: none was left. */
  readonly last: IntegrationId | undefined
}

type Keys = readonly EncryptionKey[]

/** The tables with sealed columns, and how a row of each is sealed with the first key. */
const RESEALS = { credential: resealCredential, webhook: resealWebhook } as const

export type SealedTable = keyof typeof RESEALS

export const SEALED_TABLES: readonly SealedTable[] = ['credential', 'webhook']

/**
 * Seals the next few rows, by the ids of their integrations, with the first key that are sealed with
 * another one we have. What they hold stays what it is. A row that somebody else has locked is passed
 * over: a refresh seals its credential with the first key itself.
 */
export async function resealBatch(
  trx: Transaction<Database>,
  keys: Keys,
  batch: {
    readonly table: SealedTable
    readonly limit: number
    readonly after: IntegrationId | undefined
  },
): Promise<ResealedBatch> {
  const [, ...older] = keys.map((key) => key.id)
  if (older.length === 0) return { resealed: 0, unopened: [], last: undefined }
  const { table, limit, after } = batch
  const { rows } = await sql<{ integrationId: string }>`
    select integration_id from ${sql.table(table)}
    where key_id = any (${older}::text[])
      ${after === undefined ? sql`` : sql`and integration_id > ${after}::uuid`}
    order by integration_id
    limit ${limit}
    for update skip locked`.execute(trx)
  const ids = rows.map((row) => IntegrationId.parse(row.integrationId))
  const unopened: IntegrationId[] = []
  for (const id of ids) {
    try {
      await RESEALS[table](trx, keys, id)
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error
      unopened.push(id)
    }
  }
  return { resealed: ids.length - unopened.length, unopened, last: ids.at(-1) }
}

async function resealCredential(
  trx: Transaction<Database>,
  keys: Keys,
  integrationId: IntegrationId,
): Promise<void> {
  const credential = await readCredential(trx, keys, integrationId)
  if (credential === undefined) return
  await trx
    .updateTable('credential')
    .set(sealPair(keys, integrationId, credential))
    .where('integrationId', '=', integrationId)
    .execute()
}

async function resealWebhook(
  trx: Transaction<Database>,
  keys: Keys,
  integrationId: IntegrationId,
): Promise<void> {
  const webhook = await readWebhookSecret(trx, keys, integrationId)
  if (webhook === undefined) return
  await trx
    .updateTable('webhook')
    .set(sealSecret(keys, integrationId, webhook.secret))
    .where('integrationId', '=', integrationId)
    .execute()
}
