import { type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import type { Integration } from './integration.ts'
import { type StatusEvent, statusAfter } from './status.ts'

/**
 * Moves an integration as a person asks for; false if that cannot happen to it. The caller has locked
 * the row, so that no commit of a run comes in between.
 */
export async function moveStatus(
  trx: Transaction<Database>,
  { id, status }: Integration,
  event: Extract<StatusEvent, 'paused' | 'resumed' | 'disconnected'>,
): Promise<boolean> {
  const next = statusAfter(status, event)
  if (next === undefined) return false
  await trx
    .updateTable('integration')
    .set({
      status: next,
      statusSince: sql<Date>`now()`,
      errorCode: null,
      errorMessage: null,
      pausedBeforeError: false,
    })
    .where('id', '=', id)
    .execute()
  return true
}

/** When a person last asked for a sync. */
export async function readManualSync(
  trx: Transaction<Database>,
  id: IntegrationId,
): Promise<DateTime | null> {
  const row = await trx
    .selectFrom('integration')
    .select('manualSyncAt')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.manualSyncAt ?? null
}

export async function saveManualSync(
  trx: Transaction<Database>,
  id: IntegrationId,
  at: DateTime,
): Promise<void> {
  await trx
    .updateTable('integration')
    .set({ manualSyncAt: at.toJSDate() })
    .where('id', '=', id)
    .execute()
}
