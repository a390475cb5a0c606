import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, TicketOutcome } from '../../db/schema.ts'
import { type IntegrationId, TicketId } from '../ids.ts'

/** What our rows know of a ticket: when Zendesk last changed it, what became of it, what is published. */
export interface KnownTicket {
  readonly ticketId: TicketId
  readonly generatedAt: DateTime
  readonly updatedAt: DateTime
  readonly outcome: TicketOutcome
  readonly reason: string | null
  /** When it came to this; of a ticket that was set aside, when it was last tried. */
  readonly settledAt: DateTime
  readonly transcript: {
    readonly revision: number
    readonly isLive: boolean
    readonly contentHash: string
  } | null
}

export interface TicketToSave {
  readonly ticketId: TicketId
  readonly generatedAt: DateTime
  readonly updatedAt: DateTime
  readonly status: string
  readonly tags: readonly string[]
  readonly groupId: number | null
  readonly outcome: TicketOutcome
  readonly reason: string | null
}

export async function readKnownTickets(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<Map<TicketId, KnownTicket>> {
  const rows = await db
    .selectFrom('ticket')
    .leftJoin('transcript', (join) =>
      join
        .onRef('transcript.integrationId', '=', 'ticket.integrationId')
        .onRef('transcript.ticketId', '=', 'ticket.ticketId'),
    )
    .select([
      'ticket.ticketId',
      'ticket.generatedAt',
      'ticket.updatedAt',
      'ticket.outcome',
      'ticket.reason',
      'ticket.settledAt',
      'transcript.revision',
      'transcript.state',
      'transcript.contentHash',
    ])
    .where('ticket.integrationId', '=', integrationId)
    .where('ticket.ticketId', '=', sql<number>`any(${ticketIds}::bigint[])`)
    .execute()
  const known = rows.map(({ revision, state, contentHash, ...ticket }) => ({
    ...ticket,
    ticketId: TicketId.parse(ticket.ticketId),
    transcript:
      revision === null || contentHash === null
        ? null
        : { revision, isLive: state === 'live', contentHash },
  }))
  return new Map(known.map((ticket) => [ticket.ticketId, ticket]))
}

/** Some other ticket whose comments could be read, the one most lately. */
export async function findReadTicket(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  other: TicketId,
): Promise<TicketId | undefined> {
  const row = await db
    .selectFrom('ticket')
    .select('ticketId')
    .where('integrationId', '=', integrationId)
    .where('outcome', '=', 'published')
    .where('ticketId', '<>', other)
    .orderBy('settledAt', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && TicketId.parse(row.ticketId)
}

/**
 * Inserts or moves forward: an older row changes nothing, an equal one is not written again, unless
 * it says that a ticket was set aside once more.
 */
export async function saveTickets(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  tickets: readonly TicketToSave[],
): Promise<void> {
  if (tickets.length === 0) return
  const rows = tickets.map((ticket) => ({
    ticket_id: ticket.ticketId,
    generated_at: ticket.generatedAt.toISO(),
    updated_at: ticket.updatedAt.toISO(),
    status: ticket.status,
    tags: ticket.tags,
    group_id: ticket.groupId,
    outcome: ticket.outcome,
    reason: ticket.reason,
  }))
  await sql`
    insert into ticket as stored
      (integration_id, ticket_id, generated_at, updated_at, status, tags, group_id, outcome, reason)
    select ${integrationId}::uuid, ticket_id, generated_at, updated_at, status, tags, group_id,
      outcome, reason
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      ticket_id bigint, generated_at timestamptz, updated_at timestamptz, status text, tags text[],
      group_id bigint, outcome text, reason text)
    on conflict (integration_id, ticket_id) do update set
      generated_at = excluded.generated_at, updated_at = excluded.updated_at,
      status = excluded.status, tags = excluded.tags, group_id = excluded.group_id,
      outcome = excluded.outcome, reason = excluded.reason, settled_at = now()
    where stored.generated_at <= excluded.generated_at
      and (excluded.outcome = 'quarantined'
        or (stored.generated_at, stored.updated_at, stored.outcome)
          is distinct from (excluded.generated_at, excluded.updated_at, excluded.outcome))`.execute(
    trx,
  )
}
