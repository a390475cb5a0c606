import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import type { TranscriptKey } from './live-store.ts'

/**
 * Before transcripts become those of another integration: their entries keep in mind who published them,
 * and their deliveries follow, so that the next revision finds those that are still to come before it.
 */
export async function moveEntries(
  trx: Transaction<Database>,
  to: IntegrationId,
  transcripts: readonly TranscriptKey[],
): Promise<void> {
  const entries = sql`unnest(${transcripts.map((it) => it.integrationId)}::uuid[],
      ${transcripts.map((it) => it.ticketId)}::bigint[]) as key (integration_id, ticket_id)
    join outbox_entry as moved using (integration_id, ticket_id)`
  await sql`
    update delivery set integration_id = ${to}::uuid from ${entries}
    where delivery.workspace_id = moved.workspace_id
      and delivery.sequence = moved.sequence`.execute(trx)
  await sql`
    update outbox_entry as entry
    set published_under = coalesce(entry.published_under, entry.integration_id) from ${entries}
    where entry.workspace_id = moved.workspace_id
      and entry.sequence = moved.sequence`.execute(trx)
}
