import { type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { IntegrationId, TicketId } from '../../ids.ts'

/**
 * Transcripts of an account that was disconnected and is connected again. Readers know them by the same
 * name, so the new integration goes on with them: the row of each becomes its own, with its texts, its
 * entries and what is noted to be erased. There is one row for a transcript at any time, unless an
 * earlier one was purged: that one stays where it is until its text has gone.
 */
export interface FormerHead {
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
  readonly revision: number
  readonly isLive: boolean
}

/** The newest row of each of these transcripts, in integrations that were disconnected, locked. */
export async function lockFormerHeads(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<FormerHead[]> {
  if (ticketIds.length === 0) return []
  const { rows } = await sql<{ [Key in keyof FormerHead]: FormerHead[Key] }>`
    select former.id as "integrationId", transcript.ticket_id as "ticketId", transcript.revision,
      transcript.state = 'live' as "isLive"
    from integration own
    join integration former on former.workspace_id = own.workspace_id
      and former.subdomain = own.subdomain and former.status = 'disconnected'
    join transcript on transcript.integration_id = former.id
      and transcript.ticket_id = any(${ticketIds}::bigint[])
    where own.id = ${integrationId}::uuid
    order by transcript.ticket_id, transcript.revision
    for update of transcript`.execute(trx)
  const newest = new Map(rows.map((row) => [row.ticketId, row]))
  return [...newest.values()].map((row) => ({
    ...row,
    integrationId: IntegrationId.parse(row.integrationId),
    ticketId: TicketId.parse(row.ticketId),
  }))
}

/** Makes these transcripts those of another integration of their workspace and account. */
export async function moveHeads(
  trx: Transaction<Database>,
  to: IntegrationId,
  heads: readonly FormerHead[],
): Promise<void> {
  // An eraser holds its note before it touches texts; whoever moves both takes them in this order.
  await sql`
    select from erasure join ${keys(heads)} using (integration_id, ticket_id)
    for update of erasure`.execute(trx)
  await sql`
    update transcript set integration_id = ${to}::uuid from ${keys(heads)}
    where transcript.integration_id = key.integration_id
      and transcript.ticket_id = key.ticket_id`.execute(trx)
}

function keys(heads: readonly FormerHead[]) {
  return sql`unnest(${heads.map((head) => head.integrationId)}::uuid[],
    ${heads.map((head) => head.ticketId)}::bigint[]) as key (integration_id, ticket_id)`
}
