import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, HintClass, HintOutcome } from '../../db/schema.ts'
import { type IntegrationId, TicketId } from '../ids.ts'
import { type Hint, LOOK_DELAY_MS, classOf } from './hint.ts'

/**
 * Stores hints in one statement; one that is known already changes nothing. Two statements with hints
 * in common wait for each other, so that all of them take the rows in one order.
 */
export async function saveHints(db: Kysely<Database>, hints: readonly Hint[]): Promise<void> {
  if (hints.length === 0) return
  const classes = hints.map((hint) => classOf(hint.type))
  await sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, due_at)
    select integration_id, event_id, ticket_id, type, class, occurred_at,
      now() + delay_ms * interval '1 millisecond'
    from unnest(
      ${hints.map((hint) => hint.integrationId)}::uuid[], ${hints.map((hint) => hint.eventId)}::text[],
      ${hints.map((hint) => hint.ticketId)}::bigint[], ${hints.map((hint) => hint.type)}::text[],
      ${classes}::text[], ${hints.map((hint) => hint.occurredAt.toISO())}::timestamptz[],
      ${classes.map((name) => LOOK_DELAY_MS[name])}::float8[]
    ) as row (integration_id, event_id, ticket_id, type, class, occurred_at, delay_ms)
    order by integration_id, event_id
    on conflict do nothing`.execute(db)
}

/** The hints of one ticket that wait for a look. */
export interface HintedTicket {
  readonly ticketId: TicketId
  readonly eventIds: readonly string[]
}

export interface HintQuery {
  readonly classes: readonly HintClass[]
  /** Only hints of what happened before; without it those whose look is due. */
  readonly occurredBefore?: Date
  readonly limit: number
}

/** Tickets with hints to look after, longest waiting first. */
export async function findHintedTickets(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  { classes, occurredBefore, limit }: HintQuery,
): Promise<HintedTicket[]> {
  const rows = await db
    .selectFrom('hint')
    .select(['ticketId', sql<string[]>`array_agg(event_id)`.as('eventIds')])
    .where('integrationId', '=', integrationId)
    .where('class', 'in', classes)
    .where('settledAt', 'is', null)
    .where('dueAt', '<=', sql<DateTime>`now()`)
    .$if(occurredBefore !== undefined, (query) =>
      query.where('occurredAt', '<', sql<DateTime>`${occurredBefore}::timestamptz`),
    )
    .groupBy('ticketId')
    .orderBy(sql`min(due_at)`)
    .limit(limit)
    .execute()
  return rows.map(({ ticketId, eventIds }) => ({ ticketId: TicketId.parse(ticketId), eventIds }))
}

/** A change that takes words back may show late: so often, and so far apart, it is looked for again. */
const MOST_LOOKS = 3
const NEXT_LOOK = '5 minutes'

export interface LookedAt {
  readonly eventId: string
  readonly hasNews: boolean
}

/**
 * Writes down that the tickets of these hints were looked at. A look with news ends a hint; one
 * without ends it too, but those that take words back get another chance. Says what has ended.
 */
export async function settleHints(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  hints: readonly LookedAt[],
): Promise<{ fetched: number; moot: number }> {
  const { rows } = await sql<{ outcome: HintOutcome | null }>`
    update hint set
      looks = looks + 1,
      due_at = now() + ${NEXT_LOOK}::interval,
      settled_at = case when ${hasEnded} then now() end,
      outcome = case when row.has_news then 'fetched' when ${hasEnded} then 'moot' end
    from unnest(${hints.map(({ eventId }) => eventId)}::text[],
      ${hints.map(({ hasNews }) => hasNews)}::boolean[]) as row (event_id, has_news)
    where hint.integration_id = ${integrationId}::uuid and hint.event_id = row.event_id
      and case when hint.settled_at is null then true end
    returning hint.outcome`.execute(trx)
  const count = (outcome: HintOutcome) => rows.filter((row) => row.outcome === outcome).length
  return { fetched: count('fetched'), moot: count('moot') }
}

const hasEnded = sql`(row.has_news or class = 'content' or looks + 1 >= ${sql.lit(MOST_LOOKS)})`

/**
 * Ends the hints that the export has caught up with: the row that it showed of their ticket is not
 * older than they are. What takes words back may not show there: for that a look is needed. Says how
 * many, and of how many tickets that have had news since an instant.
 */
export async function confirmHints(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  newsSince: DateTime,
): Promise<{ confirmed: number; news: number }> {
  const { rows } = await sql<{ confirmed: number; news: number }>`
    with ended as (
      update hint set settled_at = now(), outcome = 'confirmed'
      from ticket
      where hint.integration_id = ${integrationId}::uuid and hint.settled_at is null
        and hint.class = 'content'
        and ticket.integration_id = hint.integration_id and ticket.ticket_id = hint.ticket_id
        and ticket.generated_at >= date_trunc('second', hint.occurred_at)
      returning hint.ticket_id
    )
    select count(*) as confirmed, count(distinct ended.ticket_id) filter (
      where transcript.changed_at >= ${newsSince.toJSDate()}::timestamptz) as news
    from ended
    left join transcript on transcript.integration_id = ${integrationId}::uuid
      and transcript.ticket_id = ended.ticket_id`.execute(trx)
  return rows[0] ?? { confirmed: 0, news: 0 }
}
