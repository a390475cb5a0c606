import type { Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId } from '../ids.ts'
import { CredentialError } from '../platform/errors.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'
import { sealPair, toCredential } from './store.ts'

export interface ResealedBatch {
  readonly resealed: number
  /** Sealed with a key whose id we have and whose bytes we do not. */
  readonly unopened: readonly IntegrationId[]
  /** The last integration looked at; undefined: none was left. */
  readonly last: IntegrationId | undefined
}

/**
 * Seals the next few credentials, by the ids of their integrations, with the first key that are
 * sealed with another one we have. The tokens stay what they are. A row that a refresh holds is
 * passed over: the refresh seals it with the first key itself.
 */
export async function resealBatch(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  batch: { readonly limit: number; readonly after: IntegrationId | undefined },
): Promise<ResealedBatch> {
  const [, ...older] = keys.map((key) => key.id)
  if (older.length === 0) return { resealed: 0, unopened: [], last: undefined }
  const rows = await trx
    .selectFrom('credential')
    .selectAll()
    .where('keyId', 'in', older)
    .$if(batch.after !== undefined, (query) => query.where('integrationId', '>', batch.after ?? ''))
    .orderBy('integrationId')
    .limit(batch.limit)
    .forUpdate()
    .skipLocked()
    .execute()
  const unopened: IntegrationId[] = []
  for (const row of rows) {
    const integrationId = IntegrationId.parse(row.integrationId)
    try {
      const sealed = sealPair(keys, integrationId, toCredential(row, keys))
      await trx
        .updateTable('credential')
        .set(sealed)
        .where('integrationId', '=', integrationId)
        .execute()
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error
      unopened.push(integrationId)
    }
  }
  const last = rows.at(-1)?.integrationId
  return {
    resealed: rows.length - unopened.length,
    unopened,
    last: last === undefined ? undefined : IntegrationId.parse(last),
  }
}
