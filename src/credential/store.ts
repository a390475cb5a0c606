import { randomBytes } from 'node:crypto'
import type { Kysely, Selectable, Transaction } from 'kysely'
import { DateTime } from 'luxon'
import type { CredentialTable, Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'
import { type Credential, type TokenGrant, renewalDue } from './credential.ts'
import { NONCE_BYTES, seal, unseal } from './seal.ts'

/** Stores a pair of tokens in the place of whatever was there. */
export async function saveCredential(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  grant: TokenGrant,
): Promise<void> {
  const refreshedAt = DateTime.utc()
  const row = {
    ...sealPair(keys, integrationId, grant),
    clientId: grant.clientId,
    scope: grant.scope,
    expiresAt: grant.expiresAt?.toJSDate() ?? null,
    refreshExpiresAt: grant.refreshExpiresAt?.toJSDate() ?? null,
    refreshedAt: refreshedAt.toJSDate(),
    refreshStartedAt: null,
    renewBy: renewalDue(grant, refreshedAt),
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

export async function hasCredential(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  return (await credentialOf(db, integrationId).executeTakeFirst()) !== undefined
}

/** Whether there is a token that lives no longer than it is refreshed. */
export async function hasRefreshToken(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  const refreshed = credentialOf(db, integrationId).where('refreshToken', 'is not', null)
  return (await refreshed.executeTakeFirst()) !== undefined
}

function credentialOf(db: Kysely<Database>, integrationId: IntegrationId) {
  return db
    .selectFrom('credential')
    .select('integrationId')
    .where('integrationId', '=', integrationId)
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

export async function destroyCredential(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx.deleteFrom('credential').where('integrationId', '=', integrationId).execute()
}

export function toCredential(
  row: Selectable<CredentialTable>,
  keys: readonly EncryptionKey[],
): Credential {
  const open = (field: 'access_token' | 'refresh_token', sealed: Buffer) =>
    unseal(keys, row.keyId, { integrationId: row.integrationId, field }, sealed)
  return {
    accessToken: open('access_token', row.accessToken),
    refreshToken: row.refreshToken && open('refresh_token', row.refreshToken),
    clientId: row.clientId,
    scope: row.scope,
    expiresAt: row.expiresAt,
    refreshExpiresAt: row.refreshExpiresAt,
    refreshedAt: row.refreshedAt,
    refreshStartedAt: row.refreshStartedAt,
  }
}

/** The columns of a pair, sealed with the first key. */
export function sealPair(
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  { accessToken, refreshToken }: Pick<TokenGrant, 'accessToken' | 'refreshToken'>,
): { keyId: string; accessToken: Buffer; refreshToken: Buffer | null } {
  const sealField = (field: 'access_token' | 'refresh_token', plaintext: string) =>
    seal(keys, { integrationId, field }, plaintext, randomBytes(NONCE_BYTES))
  const access = sealField('access_token', accessToken)
  return {
    keyId: access.keyId,
    accessToken: access.sealed,
    refreshToken: refreshToken === null ? null : sealField('refresh_token', refreshToken).sealed,
  }
}
