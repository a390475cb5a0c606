import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId, TicketId } from '../ids.ts'
import type { TranscriptKey } from './live-store.ts'

/** Before transcripts become those of another integration: their entries keep in mind who published them. */
export async function keepPublisher(
  trx: Transaction<Database>,
  transcripts: readonly TranscriptKey[],
): Promise<void> {
  await sql`
    update outbox_entry as entry
    set published_under = coalesce(entry.published_under, entry.integration_id)
    from unnest(${transcripts.map((it) => it.integrationId)}::uuid[],
      ${transcripts.map((it) => it.ticketId)}::bigint[]) as key (integration_id, ticket_id)
    where entry.integration_id = key.integration_id
      and entry.ticket_id = key.ticket_id`.execute(trx)
}

/**
 * After that their deliveries follow, so that the next revision finds those that are still to come before
 * it. Whoever makes a delivery holds its entry, as we do by now: what was made before is seen here, and
 * what is made later sees whose the entry is.
 */
export async function moveDeliveries(
  trx: Transaction<Database>,
  to: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<void> {
  await sql`
    update delivery set integration_id = ${to}::uuid from outbox_entry as moved
    where moved.integration_id = ${to}::uuid and moved.ticket_id = any(${ticketIds}::bigint[])
      and delivery.workspace_id = moved.workspace_id and delivery.sequence = moved.sequence
      and delivery.integration_id <> ${to}::uuid`.execute(trx)
}
