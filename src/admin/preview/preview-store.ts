import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import { type IntegrationId, TicketId } from '../../ids.ts'
import type { StoredTicketFacts } from './tally.ts'

/** The stored tickets of an integration beyond a number, in order, with as little as filters need. */
export async function listTicketFacts(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  page: { readonly after: number; readonly limit: number },
): Promise<StoredTicketFacts[]> {
  const rows = await db
    .selectFrom('ticket')
    .leftJoin('transcript', (join) =>
      join
        .onRef('transcript.integrationId', '=', 'ticket.integrationId')
        .onRef('transcript.ticketId', '=', 'ticket.ticketId'),
    )
    .select([
      'ticket.ticketId',
      'ticket.tags',
      'ticket.groupId',
      'ticket.outcome',
      sql<boolean>`coalesce(transcript.state = 'live', false)`.as('isLive'),
    ])
    .where('ticket.integrationId', '=', integrationId)
    .where('ticket.ticketId', '>', page.after)
    .orderBy('ticket.ticketId')
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({ ...row, ticketId: TicketId.parse(row.ticketId) }))
}

/** Where the oldest window begins that was imported; null before the first import. */
export async function readStoredFrom(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<DateTime | null> {
  const row = await db
    .selectFrom('run')
    .select(({ fn }) => fn.min('windowFrom').as('from'))
    .where('integrationId', '=', integrationId)
    .where('kind', '=', 'backfill')
    .executeTakeFirst()
  return row?.from ?? null
}
