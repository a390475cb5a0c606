import { randomBytes } from 'node:crypto'
import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { Database, WebhookTable } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { NONCE_BYTES, seal, unseal } from '../seal.ts'

/** Told, with the id of the integration, to every process that keeps secrets of webhooks at hand. */
export const WEBHOOK_CHANNEL = 'webhook'

export interface WebhookSecret {
  readonly secret: string
  /** The webhook that we made; null: a person made it and told us its secret. */
  readonly zendeskWebhookId: string | null
}

/**
 * Stores a signing secret in the place of whatever was there. Who sends with it is not known yet, and
 * hints are expected from now on.
 */
export async function saveWebhookSecret(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  { secret, zendeskWebhookId }: WebhookSecret,
): Promise<void> {
  const row = {
    ...sealSecret(keys, integrationId, secret),
    zendeskWebhookId,
    accountId: null,
    createdAt: sql<Date>`now()`,
    silentShare: null,
  }
  await trx
    .insertInto('webhook')
    .values({ integrationId, ...row })
    .onConflict((conflict) => conflict.column('integrationId').doUpdateSet(row))
    .execute()
  await announce(trx, integrationId)
}

/** What a delivery is checked against. */
export interface KnownWebhook extends WebhookSecret {
  /** The account that the first signed delivery named; null: none has come yet. */
  readonly accountId: number | null
}

export async function readWebhookSecret(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
): Promise<KnownWebhook | undefined> {
  const row = await db
    .selectFrom('webhook')
    .select(['integrationId', 'keyId', 'signingSecret', 'zendeskWebhookId', 'accountId'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { zendeskWebhookId, accountId } = row
  return { zendeskWebhookId, accountId, secret: openSecret(keys, row) }
}

/** The columns of a secret, sealed with the first key. */
export function sealSecret(
  keys: readonly EncryptionKey[],
  integrationId: IntegrationId,
  secret: string,
): { keyId: string; signingSecret: Buffer } {
  const context = { integrationId, field: 'signing_secret' } as const
  const { keyId, sealed } = seal(keys, context, secret, randomBytes(NONCE_BYTES))
  return { keyId, signingSecret: sealed }
}

export function openSecret(
  keys: readonly EncryptionKey[],
  {
    integrationId,
    keyId,
    signingSecret,
  }: Pick<Selectable<WebhookTable>, 'integrationId' | 'keyId' | 'signingSecret'>,
): string {
  return unseal(keys, keyId, { integrationId, field: 'signing_secret' }, signingSecret)
}

/** Undefined: there is no webhook. Null: a person has made it. Else the one that we made. */
export async function readWebhookId(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<string | null | undefined> {
  const row = await db
    .selectFrom('webhook')
    .select('zendeskWebhookId')
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return row?.zendeskWebhookId
}

/** Forgets the webhook of an integration; returns the id of the one that we had made. */
export async function destroyWebhookSecret(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<string | null> {
  const row = await trx
    .deleteFrom('webhook')
    .where('integrationId', '=', integrationId)
    .returning('zendeskWebhookId')
    .executeTakeFirst()
  await announce(trx, integrationId)
  return row?.zendeskWebhookId ?? null
}

/** Reaches the other processes when the transaction commits. */
export async function announce(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await sql`select pg_notify(${WEBHOOK_CHANNEL}, ${integrationId})`.execute(trx)
}
