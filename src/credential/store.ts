import { randomBytes } from 'node:crypto'
import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { CredentialTable, Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { CredentialError } from '../platform/errors.ts'
import type { EncryptionKey } from '../platform/secrets.ts'
import type { Credential, TokenGrant } from './credential.ts'
import { NONCE_BYTES, seal, unseal } from './seal.ts'

/** Stores a pair of tokens in the place of whatever was there. */
export async function saveCredential(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  grant: TokenGrant,
): Promise<void> {
  const access = sealField(keys, integrationId, 'access_token', grant.accessToken)
  const row = {
    keyId: access.keyId,
    accessToken: access.sealed,
    refreshToken:
      grant.refreshToken === null
        ? null
        : sealField(keys, integrationId, 'refresh_token', grant.refreshToken).sealed,
    scope: grant.scope,
    expiresAt: grant.expiresAt?.toJSDate() ?? null,
    refreshExpiresAt: grant.refreshExpiresAt?.toJSDate() ?? null,
    refreshedAt: new Date(),
    refreshStartedAt: null,
  }
  await trx
    .insertInto('credential')
    .values({ integrationId, ...row })
    .onConflict((conflict) => conflict.column('integrationId').doUpdateSet(row))
    .execute()
}

export async function readCredential(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
): Promise<Credential | undefined> {
  const row = await db
    .selectFrom('credential')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return row && toCredential(row, keys)
}

/** Reads the row and keeps every other worker from reading it this way until the transaction ends. */
export async function lockCredential(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
): Promise<Credential | undefined> {
  const row = await trx
    .selectFrom('credential')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .forUpdate()
    .executeTakeFirst()
  return row && toCredential(row, keys)
}

/**
 * Writes down that a refresh of the pair seen is about to be sent. It is committed before the request
 * goes out, so that after a crash the row tells that the old pair may be spent. A row that another
 * worker holds is left alone: that worker has written the same.
 */
export async function markRefreshStarted(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  seen: Credential,
): Promise<void> {
  await db
    .updateTable('credential')
    .set({ refreshStartedAt: sql<Date>`coalesce(refresh_started_at, now())` })
    .where('integrationId', 'in', (query) =>
      query
        .selectFrom('credential')
        .select('integrationId')
        .where('integrationId', '=', integrationId)
        .where(wasRefreshedAt(seen.refreshedAt))
        .forUpdate()
        .skipLocked(),
    )
    .execute()
}

export async function destroyCredential(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx.deleteFrom('credential').where('integrationId', '=', integrationId).execute()
}

/**
 * Throws unless every stored credential can be opened: each key id that occurs is known, and one row
 * of each opens. A process that started without this check would fail an integration at a time.
 */
export async function checkKeys(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
): Promise<void> {
  const rows = await db.selectFrom('credential').distinctOn('keyId').selectAll().execute()
  const unknown = rows.map((row) => row.keyId).filter((id) => !keys.some((key) => key.id === id))
  if (unknown.length > 0) {
    const names = unknown.map((id) => `"${id}"`).join(', ')
    throw new CredentialError(
      `stored credentials are sealed with key ${names}, which ENCRYPTION_KEYS lacks: add it back behind the first key until every credential is sealed with a newer one`,
    )
  }
  for (const row of rows) {
    try {
      toCredential(row, keys)
    } catch (cause) {
      throw new CredentialError(
        `key "${row.keyId}" of ENCRYPTION_KEYS does not open the stored credentials: it is not the key that sealed them; put that one back under this id`,
        { cause },
      )
    }
  }
}

function toCredential(
  row: Selectable<CredentialTable>,
  keys: readonly EncryptionKey[],
): Credential {
  const open = (field: 'access_token' | 'refresh_token', sealed: Buffer) =>
    unseal(keys, row.keyId, { integrationId: row.integrationId, field }, sealed)
  return {
    accessToken: open('access_token', row.accessToken),
    refreshToken: row.refreshToken && open('refresh_token', row.refreshToken),
    scope: row.scope,
    expiresAt: row.expiresAt,
    refreshExpiresAt: row.refreshExpiresAt,
    refreshedAt: row.refreshedAt,
    refreshStartedAt: row.refreshStartedAt,
  }
}

function sealField(
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  field: 'access_token' | 'refresh_token',
  plaintext: string,
) {
  return seal(keys, { integrationId, field }, plaintext, randomBytes(NONCE_BYTES))
}

/** Milliseconds are what a `DateTime` holds of the database's microseconds. */
function wasRefreshedAt(at: DateTime) {
  return sql<boolean>`date_trunc('milliseconds', refreshed_at) = ${at.toJSDate()}`
}
