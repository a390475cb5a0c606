import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { DateTime } from 'luxon'
import { saveWebhookSecret } from '../../src/credential/webhook/secret-store.ts'
import { saveHints } from '../../src/hint/store.ts'
import { IntegrationId, TicketId } from '../../src/ids.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { until, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

test.serial('a sync tells which part of its news no hint had told of', async (t) => {
  const it = await imported(t)
  const [hinted, twice, silent, taken, early] = it.tickets
  await it.hasWebhook({ hours: 1 })

  // What takes words back is looked at before the sync, and counts as told.
  await it.simulator.mutate('acme', { kind: 'delete', ticketId: early! })
  await it.hint(early!, 'soft_deleted')
  await until(async () => (await it.pending()) === 0)
  await it.comment([hinted!, twice!, silent!, taken!])
  await it.simulator.mutate('acme', { kind: 'delete', ticketId: taken! })
  await it.simulator.advanceClock(120_000)
  for (const ticketId of [hinted!, twice!, twice!]) await it.hint(ticketId, 'comment_added')
  await it.hint(it.tickets[5]!, 'status_changed')
  await it.sync()

  t.is(await it.silentShare(), 2 / 5)
  const [run] = await it.db.selectFrom('run').selectAll().where('kind', '=', 'sync').execute()
  t.like(run, { newsHinted: 2, newsSilent: 2, published: 3, retracted: 1 })

  // A sync without news says nothing new.
  await it.sync()
  t.is(await it.silentShare(), 2 / 5)
})

test.serial('a sync that reaches back to before the webhook says nothing of it', async (t) => {
  const it = await imported(t)
  const [silent] = it.tickets
  await it.hasWebhook({ hours: -1 })

  await it.comment([silent!])
  await it.simulator.advanceClock(120_000)
  await it.sync()

  t.is(await it.silentShare(), null)
})

/** An account whose import is done, and a worker that waits for more to do. */
async function imported(t: ExecutionContext) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 30,
        days: 80,
        shape: { bigTickets: 0, deletedShare: 0, messagingShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const door = await startFrontDoor(t, simulator)
  const integrationId = IntegrationId.parse(await door.connect('acme'))
  startWorker(t, door.config)
  await untilRunsEnd(door.db)
  const { db, config } = door
  const tickets = [...simulator.expectedTranscripts('acme', { from: new Date(0) })]
  return {
    db,
    simulator,
    tickets: tickets.map(({ ticketId }) => ticketId),
    /** For so many hours already. */
    hasWebhook: async ({ hours }: { hours: number }) => {
      const webhook = { secret: 'the secret of a person', zendeskWebhookId: null }
      const keys = config.secrets.encryptionKeys
      await db.transaction().execute((trx) => saveWebhookSecret(trx, keys, integrationId, webhook))
      const createdAt = DateTime.utc().minus({ hours }).toJSDate()
      await db.updateTable('webhook').set({ createdAt }).execute()
    },
    comment: async (ticketIds: readonly number[]) => {
      for (const ticketId of ticketIds) {
        await simulator.mutate('acme', { kind: 'add_comment', ticketId })
      }
    },
    hint: async (ticketId: number, type: string) => {
      const eventId = randomUUID()
      const occurredAt = DateTime.utc().minus({ minutes: 3 })
      await saveHints(db, [
        { integrationId, eventId, ticketId: TicketId.parse(ticketId), type, occurredAt },
      ])
      await db
        .updateTable('hint')
        .set({ dueAt: new Date() })
        .where('eventId', '=', eventId)
        .execute()
    },
    pending: async () =>
      (await db.selectFrom('hint').select('eventId').where('outcome', 'is', null).execute()).length,
    sync: async () => {
      // From where the reading before it began, which is the import or a sync.
      const last = await db
        .selectFrom('run')
        .select('createdAt')
        .where('kind', '<>', 'hints')
        .orderBy('createdAt', 'desc')
        .executeTakeFirstOrThrow()
      const windowFrom = last.createdAt.toJSDate()
      await db.insertInto('run').values({ integrationId, kind: 'sync', windowFrom }).execute()
      await untilRunsEnd(db)
    },
    silentShare: async () =>
      (await db.selectFrom('webhook').select('silentShare').executeTakeFirstOrThrow()).silentShare,
  }
}
