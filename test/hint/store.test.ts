import test from 'ava'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { classOf } from '../../src/hint/hint.ts'
import { confirmHints, findHintedTickets, saveHints, settleHints } from '../../src/hint/store.ts'
import { type IntegrationId, TicketId } from '../../src/ids.ts'
import { saveTickets } from '../../src/ticket/store.ts'
import { toTicketRow } from '../../src/reconcile/page.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'
import { aTicket } from '../support/zendesk-rows.ts'

const classes = ['privacy', 'content'] as const
const noon = DateTime.fromISO('2026-01-01T12:00:00Z', { zone: 'utc' })

const ofPrivacy = ['comment_made_private', 'comment_redacted', 'soft_deleted', 'marked_as_spam']
for (const type of ofPrivacy) {
  test(`${type} is of the class that does not wait`, (t) => t.is(classOf(type), 'privacy'))
}

test('what adds words is of the class that waits, as is what nobody knows', (t) => {
  for (const type of ['comment_added', 'merged', 'undeleted', 'brand_new']) {
    t.is(classOf(type), 'content')
  }
})

test('hints of one ticket are one look, and a second one of an event is none', async (t) => {
  const { db, integrationId } = await anAccount(t)

  await saveHints(db, [hint(integrationId, 'a', 1), hint(integrationId, 'b', 1)])
  await saveHints(db, [hint(integrationId, 'b', 1), hint(integrationId, 'c', 2)])
  await makeDue(db)

  const hinted = await findHintedTickets(db, integrationId, { classes, limit: 10 })
  t.deepEqual(
    hinted.map(({ ticketId, eventIds }) => [ticketId, eventIds.toSorted()]),
    [
      [1, ['a', 'b']],
      [2, ['c']],
    ],
  )
})

test('a hint is not looked after before its time', async (t) => {
  const { db, integrationId } = await anAccount(t)

  await saveHints(db, [hint(integrationId, 'a', 1)])

  t.deepEqual(await findHintedTickets(db, integrationId, { classes, limit: 10 }), [])
})

test('the same event id of another integration is another hint', async (t) => {
  const { db, integrationId } = await anAccount(t)
  const other = await anIntegration(db)

  await saveHints(db, [hint(integrationId, 'a', 1), hint(other.integrationId, 'a', 1)])

  t.is((await db.selectFrom('hint').selectAll().execute()).length, 2)
})

test('a look with news ends a hint as fetched, one without as moot', async (t) => {
  const { db, integrationId } = await anAccount(t)
  await saveHints(db, [hint(integrationId, 'a', 1), hint(integrationId, 'b', 2)])

  const ended = await settle(db, integrationId, { a: true, b: false })

  t.deepEqual(ended, { fetched: 1, moot: 1 })
  t.deepEqual(await settle(db, integrationId, { a: true, b: true }), { fetched: 0, moot: 0 })
})

test('what takes words back is looked for three times before it counts as moot', async (t) => {
  const { db, integrationId } = await anAccount(t)
  await saveHints(db, [hint(integrationId, 'a', 1, 'comment_redacted')])

  const looks = []
  for (let look = 0; look < 3; look++) looks.push(await settle(db, integrationId, { a: false }))

  t.deepEqual(
    looks.map(({ moot }) => moot),
    [0, 0, 1],
  )
})

test('a hint that arrives while its ticket is looked at stays pending', async (t) => {
  const { db, integrationId } = await anAccount(t)
  await saveHints(db, [hint(integrationId, 'a', 1)])
  await makeDue(db)
  const [read] = await findHintedTickets(db, integrationId, { classes, limit: 1 })

  await saveHints(db, [hint(integrationId, 'late', 1)])
  await settle(db, integrationId, Object.fromEntries(read!.eventIds.map((id) => [id, true])))

  const pending = await db
    .selectFrom('hint')
    .select('eventId')
    .where('outcome', 'is', null)
    .execute()
  t.deepEqual(pending, [{ eventId: 'late' }])
})

test('the export confirms what it has caught up with, but nothing that takes words back', async (t) => {
  const { db, integrationId } = await anAccount(t)
  const ticket = aTicket({ id: TicketId.parse(1), generatedAt: noon })
  await db
    .transaction()
    .execute((trx) =>
      saveTickets(trx, integrationId, [toTicketRow({ kind: 'gone', ticket, retraction: null })]),
    )
  await saveHints(db, [
    hint(integrationId, 'before', 1),
    { ...hint(integrationId, 'same second', 1), occurredAt: noon.plus(300) },
    { ...hint(integrationId, 'after', 1), occurredAt: noon.plus({ seconds: 1 }) },
    hint(integrationId, 'unknown ticket', 2),
    hint(integrationId, 'privacy', 1, 'soft_deleted'),
  ])

  const ended = await db.transaction().execute((trx) => confirmHints(trx, integrationId, noon))

  t.deepEqual(ended, { confirmed: 2, news: 0 })
  const rest = await db.selectFrom('hint').select('eventId').where('outcome', 'is', null).execute()
  t.deepEqual(rest.map(({ eventId }) => eventId).toSorted(), ['after', 'privacy', 'unknown ticket'])
})

async function anAccount(t: Parameters<typeof testDatabase>[0]) {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  return { db, integrationId }
}

function hint(
  integrationId: IntegrationId,
  eventId: string,
  ticket: number,
  type = 'comment_added',
) {
  return { integrationId, eventId, ticketId: TicketId.parse(ticket), type, occurredAt: noon }
}

async function makeDue(db: Kysely<Database>): Promise<void> {
  await db
    .updateTable('hint')
    .set({ dueAt: new Date(0) })
    .execute()
}

function settle(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  looks: Readonly<Record<string, boolean>>,
) {
  const hints = Object.entries(looks).map(([eventId, hasNews]) => ({ eventId, hasNews }))
  return db.transaction().execute((trx) => settleHints(trx, integrationId, hints))
}
