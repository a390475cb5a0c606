import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, TicketOutcome } from '../../db/schema.ts'
import { type IntegrationId, TicketId } from '../ids.ts'

/** What our rows know of a ticket: when Zendesk last changed it, what became of it, what is published. */
export interface KnownTicket {
  readonly ticketId: TicketId
  readonly generatedAt: DateTime
  readonly updatedAt: DateTime
  readonly status: string
  readonly tags: readonly string[]
  readonly groupId: number | null
  readonly fingerprint: string
  /** Private ones included, as of `generatedAt`; null where the account did not tell. */
  readonly commentCount: number | null
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

export type TicketToSave = Omit<KnownTicket, 'settledAt' | 'transcript'>

export async function readKnownTickets(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<Map<TicketId, KnownTicket>> {
  const rows = await selectKnown(db, integrationId)
    .where('ticket.ticketId', '=', sql<number>`any(${ticketIds}::bigint[])`)
    .execute()
  return new Map(rows.map(toKnown).map((ticket) => [ticket.ticketId, ticket]))
}

/** All that is known of the tickets of an integration, in the order of their numbers. */
export async function listKnownTickets(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  page: { after: TicketId | null; limit: number },
): Promise<KnownTicket[]> {
  const rows = await selectKnown(db, integrationId)
    .where('ticket.ticketId', '>', page.after ?? 0)
    .orderBy('ticket.ticketId')
    .limit(page.limit)
    .execute()
  return rows.map(toKnown)
}

function selectKnown(db: Kysely<Database>, integrationId: IntegrationId) {
  return db
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
      'ticket.status',
      'ticket.tags',
      'ticket.groupId',
      'ticket.fingerprint',
      'ticket.commentCount',
      'ticket.outcome',
      'ticket.reason',
      'ticket.settledAt',
      'transcript.revision',
      'transcript.state',
      'transcript.contentHash',
    ])
    .where('ticket.integrationId', '=', integrationId)
}

type KnownRow = Awaited<ReturnType<ReturnType<typeof selectKnown>['execute']>>[number]

function toKnown({ revision, state, contentHash, ...ticket }: KnownRow): KnownTicket {
  return {
    ...ticket,
    ticketId: TicketId.parse(ticket.ticketId),
    transcript:
      revision === null || contentHash === null
        ? null
        : { revision, isLive: state === 'live', contentHash },
  }
}

/** Tickets that were set aside and whose next try has come, longest waiting first. */
export async function findTicketsToRetry(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  limit: number,
): Promise<TicketId[]> {
  const rows = await db
    .selectFrom('ticket')
    .select('ticketId')
    .where('integrationId', '=', integrationId)
    .where('retryAt', '<=', sql<DateTime>`now()`)
    .orderBy('retryAt')
    .limit(limit)
    .execute()
  return rows.map((row) => TicketId.parse(row.ticketId))
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

/** What was set aside is tried again by the next run after this time, or sooner on a hint. */
const RETRY_MS = 3_600_000

/**
 * Inserts or moves forward: an older row changes nothing, an equal one is not written again, unless
 * it says that a ticket was set aside once more, or that one was read again which had been settled
 * before `settledFrom`.
 */
export async function saveTickets(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  tickets: readonly TicketToSave[],
  settledFrom?: DateTime,
): Promise<void> {
  if (tickets.length === 0) return
  const rows = tickets.map((ticket) => ({
    ticket_id: ticket.ticketId,
    generated_at: ticket.generatedAt.toISO(),
    updated_at: ticket.updatedAt.toISO(),
    status: ticket.status,
    tags: ticket.tags,
    group_id: ticket.groupId,
    fingerprint: ticket.fingerprint,
    comment_count: ticket.commentCount,
    outcome: ticket.outcome,
    reason: ticket.reason,
  }))
  await sql`
    insert into ticket as stored
      (integration_id, ticket_id, generated_at, updated_at, status, tags, group_id, fingerprint,
        comment_count, outcome, reason, retry_at)
    select ${integrationId}::uuid, ticket_id, generated_at, updated_at, status, tags, group_id,
      fingerprint, comment_count, outcome, reason,
      case when outcome = 'quarantined' then now() + ${RETRY_MS} * interval '1 millisecond' end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      ticket_id bigint, generated_at timestamptz, updated_at timestamptz, status text, tags text[],
      group_id bigint, fingerprint text, comment_count integer, outcome text, reason text)
    on conflict (integration_id, ticket_id) do update set
      generated_at = excluded.generated_at, updated_at = excluded.updated_at,
      status = excluded.status, tags = excluded.tags, group_id = excluded.group_id,
      fingerprint = excluded.fingerprint, comment_count = excluded.comment_count,
      outcome = excluded.outcome, reason = excluded.reason, retry_at = excluded.retry_at,
      settled_at = now()
    where stored.generated_at <= excluded.generated_at
      and (excluded.outcome = 'quarantined'
        or stored.settled_at < ${settledFrom?.toJSDate() ?? null}::timestamptz
        or (stored.generated_at, stored.updated_at, stored.fingerprint, stored.outcome)
          is distinct from (excluded.generated_at, excluded.updated_at, excluded.fingerprint,
            excluded.outcome))`.execute(trx)
}
