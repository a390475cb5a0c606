import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../../src/ids.ts'

/** The first publication of the feed, which is of this ticket, was refused by some sink. */
export async function refuseFirst(db: Kysely<Database>, ticketId: number): Promise<void> {
  const { name } = await db
    .selectFrom('sink')
    .select('name')
    .where('state', '=', 'active')
    .orderBy('sinkId')
    .limit(1)
    .executeTakeFirstOrThrow()
  const entry = await db
    .selectFrom('outboxEntry')
    .select(['workspaceId', 'sequence', 'integrationId', 'ticketId'])
    .where('sequence', '=', 1)
    .where('ticketId', '=', ticketId)
    .executeTakeFirstOrThrow()
  const history = [{ attempt: 1, at: '2026-01-01T00:00:00Z', ms: 5, outcome: 'refused (400)' }]
  await db
    .insertInto('delivery')
    .values({
      ...entry,
      sink: name,
      state: 'dead',
      attempts: 1,
      outcome: 'refused (400)',
      history: JSON.stringify(history),
      settledAt: new Date(),
    })
    .execute()
}

/** A hint that waits for a look at the ticket. */
export async function hintAt(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketId: number,
): Promise<void> {
  const type = 'zen:event-type:ticket.created'
  const now = new Date()
  await db
    .insertInto('hint')
    .values({
      integrationId,
      eventId: 'e1',
      ticketId,
      type,
      class: 'content',
      occurredAt: now,
      dueAt: now,
    })
    .execute()
}
