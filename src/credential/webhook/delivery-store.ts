import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import { CredentialError } from '../../platform/errors.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { unseal } from '../seal.ts'
import { announce } from './secret-store.ts'

/** What a delivery to an integration is checked against. */
export type DeliveryTerms =
  | { readonly kind: 'secret'; readonly secret: string; readonly accountId: number | null }
  /** Nobody has told its secret. */
  | { readonly kind: 'no secret' }
  | { readonly kind: 'sealed'; readonly error: CredentialError }

/** The terms of those of these integrations that are connected, or were at least begun. */
export async function readDeliveryTerms(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
  ids: readonly IntegrationId[],
): Promise<ReadonlyMap<string, DeliveryTerms>> {
  const rows = await db
    .selectFrom('integration')
    .leftJoin('webhook', 'webhook.integrationId', 'integration.id')
    .select(['integration.id', 'keyId', 'signingSecret', 'accountId'])
    .where('integration.id', '=', sql<string>`any(${ids}::uuid[])`)
    .where('status', '<>', 'disconnected')
    .execute()
  return new Map(rows.map((row) => [row.id, termsOf(keys, row)]))
}

interface TermsRow {
  readonly id: string
  readonly keyId: string | null
  readonly signingSecret: Buffer | null
  readonly accountId: number | null
}

function termsOf(keys: readonly EncryptionKey[], row: TermsRow): DeliveryTerms {
  const { id: integrationId, keyId, signingSecret, accountId } = row
  if (keyId === null || signingSecret === null) return { kind: 'no secret' }
  try {
    const context = { integrationId, field: 'signing_secret' } as const
    return { kind: 'secret', secret: unseal(keys, keyId, context, signingSecret), accountId }
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error
    return { kind: 'sealed', error }
  }
}

/**
 * Writes down whose account sends, unless that is known already, and tells the other processes.
 * Returns the account that stands then; undefined: the webhook is gone.
 */
export async function pinAccount(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  accountId: number,
): Promise<number | undefined> {
  return db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('webhook')
      .set({ accountId })
      .where('integrationId', '=', integrationId)
      .where('accountId', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows > 0n) await announce(trx, integrationId)
    const row = await trx
      .selectFrom('webhook')
      .select('accountId')
      .where('integrationId', '=', integrationId)
      .executeTakeFirst()
    return row?.accountId ?? undefined
  })
}

/** Writes down that signed deliveries came in. */
export async function markReceived(
  db: Kysely<Database>,
  ids: readonly IntegrationId[],
): Promise<void> {
  await db
    .updateTable('webhook')
    .set({ lastReceivedAt: sql<Date>`now()` })
    .where('integrationId', '=', sql<string>`any(${ids}::uuid[])`)
    .execute()
}
