import { type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'

/** Of each table the key of a row within its integration. */
const keys = { staged_event: 'event_id', author: 'user_id', ticket: 'ticket_id' } as const

/**
 * Deletes a batch of the rows of an integration: what was needed to read an account goes when it is not
 * read any more. Answers how many went: 0 says that none is left.
 */
export async function clearRows(
  trx: Transaction<Database>,
  table: keyof typeof keys,
  { integrationId, limit }: { readonly integrationId: IntegrationId; readonly limit: number },
): Promise<number> {
  const from = sql.table(table)
  const key = sql.ref(keys[table])
  const { numAffectedRows } = await sql`
    delete from ${from} where integration_id = ${integrationId}::uuid and ${key} in (
      select ${key} from ${from} where integration_id = ${integrationId}::uuid
      order by ${key} limit ${limit})`.execute(trx)
  return Number(numAffectedRows ?? 0)
}

/** Those that wait for a look; `all`: also those that are settled. */
export async function clearHints(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  { limit, all }: { readonly limit: number; readonly all: boolean },
): Promise<number> {
  const wanted = all ? sql`true` : sql`settled_at is null and class in ('content', 'privacy')`
  const { numAffectedRows } = await sql`
    delete from hint where integration_id = ${integrationId}::uuid and event_id in (
      select event_id from hint where integration_id = ${integrationId}::uuid and ${wanted}
      limit ${limit})`.execute(trx)
  return Number(numAffectedRows ?? 0)
}

/** What is one row of an integration, or a few. */
export async function clearPlaces(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  for (const table of ['eventStream', 'backLane', 'cursor', 'consent'] as const) {
    await trx.deleteFrom(table).where('integrationId', '=', integrationId).execute()
  }
}
