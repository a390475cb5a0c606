import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'
import { CredentialError } from '../platform/errors.ts'
import { toCredential } from './store.ts'
import { openSecret } from './webhook/secret-store.ts'

/** What one row stands for, and how it is opened. */
interface Sample {
  readonly keyId: string
  readonly open: () => unknown
}

/**
 * Throws unless everything that is stored sealed can be opened: each key id that occurs is known, and
 * one row of each opens. A process that started without this check would fail an integration at a time.
 */
export async function checkKeys(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
): Promise<void> {
  const samples = await readSamples(db, keys)
  const unknown = new Set(
    samples.map(({ keyId }) => keyId).filter((id) => !keys.some((key) => key.id === id)),
  )
  if (unknown.size > 0) {
    const names = [...unknown].map((id) => `"${id}"`).join(', ')
    throw new CredentialError(
      `stored credentials are sealed with key ${names}, which ENCRYPTION_KEYS lacks: add it back behind the first key until every credential is sealed with a newer one`,
    )
  }
  for (const { keyId, open } of samples) {
    try {
      open()
    } catch (cause) {
      throw new CredentialError(
        `key "${keyId}" of ENCRYPTION_KEYS does not open the stored credentials: it is not the key that sealed them; put that one back under this id`,
        { cause },
      )
    }
  }
}

async function readSamples(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
): Promise<Sample[]> {
  const credentials = await db.selectFrom('credential').distinctOn('keyId').selectAll().execute()
  const webhooks = await db
    .selectFrom('webhook')
    .distinctOn('keyId')
    .select(['integrationId', 'keyId', 'signingSecret'])
    .execute()
  return [
    ...credentials.map((row) => ({ keyId: row.keyId, open: () => toCredential(row, keys) })),
    ...webhooks.map((row) => ({ keyId: row.keyId, open: () => openSecret(keys, row) })),
  ]
}
