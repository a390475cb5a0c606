import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'

/** Our half of the two-part advisory lock key: refreshes, apart from leases. */
const LOCK_NAMESPACE = 0x72656672

/** A holder that stopped without closing its connection must not lock the account out for ever. */
export async function boundWaits(trx: Transaction<Database>): Promise<void> {
  await sql`set local lock_timeout = '45s'`.execute(trx)
  await sql`set local idle_in_transaction_session_timeout = '30s'`.execute(trx)
}

/**
 * Lets one session at a time refresh an integration's pair. The lock outlives the transaction that
 * takes it and ends with the session, so that whatever intent stands in the row under it was left by
 * somebody who is no longer at it. Two integrations of one hash only wait for each other.
 */
export async function lockRefresh(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await sql`select pg_advisory_lock(${LOCK_NAMESPACE}, hashtext(${integrationId}))`.execute(trx)
}

export async function unlockRefresh(
  session: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await sql`select pg_advisory_unlock(${LOCK_NAMESPACE}, hashtext(${integrationId}))`.execute(
    session,
  )
}

/**
 * Writes down that the pair is about to be sent. It is committed before the request goes out, so that
 * after a crash the row tells that the pair may be spent. The first intent of a pair stays.
 */
export async function markRefreshStarted(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx
    .updateTable('credential')
    .set({ refreshStartedAt: sql<Date>`coalesce(refresh_started_at, now())` })
    .where('integrationId', '=', integrationId)
    .execute()
}

/** Takes the intent back: Zendesk has said that it traded nothing. */
export async function clearRefreshStarted(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx
    .updateTable('credential')
    .set({ refreshStartedAt: null })
    .where('integrationId', '=', integrationId)
    .execute()
}
