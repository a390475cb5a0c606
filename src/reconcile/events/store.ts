import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import { z } from 'zod'
import type { Database } from '../../../db/schema.ts'
import { type IntegrationId, TicketId } from '../../ids.ts'
import type { TicketEvent } from '../../zendesk/types.ts'
import { StagedComment, type StagedEvent, toStaged } from './staged.ts'

/** How far the events of an account were read, and what that has taken so far. */
export interface Stream {
  /** No event since then is missing, up to `readUntil`. */
  readonly wholeSince: DateTime
  readonly readUntil: DateTime
  readonly pageSize: number
  readonly eventsRead: number
  readonly rowsRead: number
  readonly rowsBehind: number
}

const LARGEST_PAGE = 1000

export async function findStream(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Stream | undefined> {
  return db
    .selectFrom('eventStream')
    .select(['wholeSince', 'readUntil', 'pageSize', 'eventsRead', 'rowsRead', 'rowsBehind'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
}

/** Begins to read at an instant, or begins anew there; what was learnt of the account stays. */
export async function startStream(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  from: Date,
): Promise<void> {
  const place = { wholeSince: from, readUntil: from, rowsBehind: 0 }
  await trx
    .insertInto('eventStream')
    .values({ integrationId, ...place, pageSize: LARGEST_PAGE })
    .onConflict((conflict) => conflict.column('integrationId').doUpdateSet(place))
    .execute()
}

export async function moveStream(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  page: { endAt: Date; pageSize: number; events: number },
): Promise<void> {
  await trx
    .updateTable('eventStream')
    .set((eb) => ({
      readUntil: sql<Date>`greatest(read_until, ${page.endAt}::timestamptz)`,
      pageSize: page.pageSize,
      eventsRead: eb('eventsRead', '+', page.events),
    }))
    .where('integrationId', '=', integrationId)
    .execute()
}

/** Notes for how many tickets of the export the stream was read, or would have had to be. */
export async function countRows(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  rows: { readonly count: number; readonly wereRead: boolean },
): Promise<void> {
  const { count, wereRead } = rows
  await trx
    .updateTable('eventStream')
    .set((eb) => ({
      rowsRead: wereRead ? sql<number>`rows_read + rows_behind + ${count}` : eb.ref('rowsRead'),
      rowsBehind: wereRead ? 0 : eb('rowsBehind', '+', count),
    }))
    .where('integrationId', '=', integrationId)
    .execute()
}

/** An event that comes again, on the border of two pages or after a crash, is staged once. */
export async function stageEvents(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  events: readonly TicketEvent[],
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    event_id: event.id,
    ticket_id: event.ticketId,
    at: event.at.toISO(),
    comment_count: event.commentCount,
    must_confirm: event.mustConfirm,
    comments: event.comments.map(toStaged),
  }))
  await sql`
    insert into staged_event
      (integration_id, event_id, ticket_id, at, comment_count, must_confirm, comments)
    select ${integrationId}::uuid, event_id, ticket_id, at, comment_count, must_confirm, comments
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      event_id bigint, ticket_id bigint, at timestamptz, comment_count integer,
      must_confirm boolean, comments jsonb)
    on conflict (integration_id, event_id) do nothing`.execute(trx)
}

const StagedComments = z.array(StagedComment)

export async function readStaged(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<ReadonlyMap<TicketId, readonly StagedEvent[]>> {
  const rows = await db
    .selectFrom('stagedEvent')
    .select(['ticketId', 'at', 'commentCount', 'mustConfirm', 'comments'])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', sql<number>`any(${ticketIds}::bigint[])`)
    .execute()
  const events = rows.map((row) => ({
    ...row,
    ticketId: TicketId.parse(row.ticketId),
    comments: StagedComments.parse(row.comments),
  }))
  return Map.groupBy(events, (event) => event.ticketId)
}

/** Forgets what the rows of these tickets have settled; what happened to them later stays. */
export async function dropStaged(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  tickets: readonly { readonly id: TicketId; readonly generatedAt: DateTime }[],
): Promise<void> {
  if (tickets.length === 0) return
  const rows = tickets.map(({ id, generatedAt }) => ({ id, at: generatedAt.toISO() }))
  await sql`
    delete from staged_event using jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      id bigint, at timestamptz)
    where staged_event.integration_id = ${integrationId}::uuid
      and staged_event.ticket_id = row.id and staged_event.at <= row.at`.execute(trx)
}

export async function dropAllStaged(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx.deleteFrom('stagedEvent').where('integrationId', '=', integrationId).execute()
}

/**
 * What is staged when a run ends belongs to tickets that the export has not shown yet. No text waits
 * for the next run: that something happened is kept, and sends their tickets to the comments endpoint.
 */
export async function stripStaged(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await sql`
    delete from staged_event using ticket
    where staged_event.integration_id = ${integrationId}::uuid
      and ticket.integration_id = staged_event.integration_id
      and ticket.ticket_id = staged_event.ticket_id
      and ticket.generated_at >= staged_event.at`.execute(trx)
  await trx
    .updateTable('stagedEvent')
    .set({ comments: '[]', mustConfirm: true })
    .where('integrationId', '=', integrationId)
    .where('mustConfirm', '=', false)
    .execute()
}
