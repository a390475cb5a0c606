import { randomUUID } from 'node:crypto'
import test from 'ava'
import { sql } from 'kysely'
import { DateTime } from 'luxon'
import { IntegrationId, TicketId } from '../../src/ids.ts'
import { hintWriter } from '../../src/webhook/hints-store.ts'
import { testDatabase } from '../support/database.ts'
import { recordingConnection } from '../support/explain.ts'
import { anIntegration } from '../support/gateway.ts'

const hint = (integrationId: IntegrationId, eventId: string) => ({
  integrationId,
  eventId,
  ticketId: TicketId.parse(1),
  type: 'created',
  occurredAt: DateTime.utc(),
})

test('an integration that is gone fails its own hints and none of its neighbours', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const gone = IntegrationId.parse(randomUUID())
  const writer = hintWriter(db)

  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      writer.submit(hint(index % 10 === 7 ? gone : integrationId, `e${index}`)),
    ),
  )

  t.is(outcomes.filter(({ status }) => status === 'rejected').length, 5)
  const rows = await db.selectFrom('hint').select('integrationId').execute()
  t.is(rows.length, 45)
})

test('hints of one moment are few statements, each answered when its row stands', async (t) => {
  const { url, db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const { db: recorded, sent } = recordingConnection(url, 4)
  t.teardown(() => recorded.destroy())
  const writer = hintWriter(recorded)

  const seen = await Promise.all(
    Array.from({ length: 1_200 }, async (_, index) => {
      await writer.submit(hint(integrationId, `e${index}`))
      if (index % 100 !== 0) return 1
      const { rows } = await sql`select from hint where event_id = ${`e${index}`}`.execute(db)
      return rows.length
    }),
  )

  t.true(seen.every((count) => count === 1))
  t.true(sent.length <= 5, `${sent.length} statements`)
})

test('writers with hints in common do not stand in the way of each other', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const ids = Array.from({ length: 400 }, () => randomUUID())
  const writers = [hintWriter(db), hintWriter(db), hintWriter(db)]

  await Promise.all(
    writers.flatMap((writer, index) =>
      (index === 1 ? ids.toReversed() : ids).map((id) => writer.submit(hint(integrationId, id))),
    ),
  )

  t.is((await db.selectFrom('hint').select('eventId').execute()).length, ids.length)
})
