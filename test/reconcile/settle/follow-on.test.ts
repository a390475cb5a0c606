import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../../src/ids.ts'
import { Subdomain, TicketId } from '../../../src/ids.ts'
import { insertDisconnection } from '../../../src/integration/disconnection/store.ts'
import { createIntegration } from '../../../src/integration/store.ts'
import { PurgeUnderWayError } from '../../../src/platform/errors.ts'
import type { Change } from '../../../src/reconcile/settle/decide.ts'
import { followOn } from '../../../src/reconcile/settle/follow-on-once.ts'
import { insertDeliveries } from '../../../src/outbox/delivery/fan-out-store.ts'
import { testDatabase, untilBlocked } from '../../support/database.ts'
import { type Feed, aFeed, aTranscript, publish, retract } from '../../support/outbox-rows.ts'
import { aSink, localHttp, passOver } from '../../support/sinks.ts'
import { aTicket } from '../../support/zendesk-rows.ts'

/** A transcript of an account that was disconnected and is connected again. */
async function connectedAgain(t: ExecutionContext, { purge }: { purge: boolean }) {
  const { db } = await testDatabase(t)
  const former = await aFeed(db)
  await publish(db, former, { ticketId: 1 })
  await publish(db, former, { ticketId: 1, revision: 2 })
  const latter = await db.transaction().execute(async (trx) => {
    await trx.updateTable('integration').set({ status: 'disconnected' }).execute()
    await insertDisconnection(trx, former.integrationId, purge)
    const { workspaceId } = former
    return createIntegration(trx, { workspaceId, subdomain: Subdomain.parse('acme') })
  })
  return { db, former, latter: { ...former, integrationId: latter.id } }
}

function follow(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  change: Change,
): Promise<readonly Change[]> {
  return db.transaction().execute((trx) => followOn(trx, integrationId, [change]))
}

const ticket = aTicket({ id: TicketId.parse(1) })
const published: Change = {
  kind: 'published',
  ticket,
  revision: 1,
  contentHash: 'sha256:new',
  transcript: aTranscript(),
}
const gone: Change = { kind: 'gone', ticket, retraction: null }

const holders = (db: Kysely<Database>) =>
  db.selectFrom('transcript').select(['integrationId', 'revision', 'state']).execute()

test('a transcript of an earlier connection becomes that of the new one and counts on', async (t) => {
  const { db, latter } = await connectedAgain(t, { purge: false })

  const [change] = await follow(db, latter.integrationId, published)

  t.deepEqual(change, { ...published, revision: 3 })
  t.deepEqual(await holders(db), [
    { integrationId: latter.integrationId, revision: 2, state: 'live' },
  ])
})

test('a ticket that has gone between two connections is taken back', async (t) => {
  const { db, latter } = await connectedAgain(t, { purge: false })

  const [change] = await follow(db, latter.integrationId, gone)

  t.deepEqual(change, { ...gone, retraction: { revision: 3, reason: 'deleted' } })
})

test('what was taken back by the earlier connection is not taken back again', async (t) => {
  const { db, former, latter } = await connectedAgain(t, { purge: false })
  await retract(db, former, { ticketId: 1, revision: 3, reason: 'deleted' })

  t.deepEqual(await follow(db, latter.integrationId, gone), [gone])
})

test('nothing follows while an earlier connection is being purged', async (t) => {
  const { db, latter } = await connectedAgain(t, { purge: true })

  await t.throwsAsync(follow(db, latter.integrationId, published), {
    instanceOf: PurgeUnderWayError,
  })
})

test('a transcript that was purged stays to be erased, and is counted on from', async (t) => {
  const { db, former, latter } = await connectedAgain(t, { purge: true })
  await retract(db, former, { ticketId: 1, revision: 3, reason: 'disconnected' })

  const [change] = await follow(db, latter.integrationId, published)

  t.deepEqual(change, { ...published, revision: 4 })
  t.deepEqual(await holders(db), [
    { integrationId: former.integrationId, revision: 3, state: 'retracted' },
  ])
})

test('a revision of the earlier connection that waits for a sink comes before the next one', async (t) => {
  const { db, former, latter } = await connectedAgain(t, { purge: false })
  const name = await aSink(db, former.workspaceId, { allRevisions: true })
  const http = localHttp(t)
  const down = { name, url: 'http://127.0.0.1:1/', http }
  await db.updateTable('sinkPosition').set({ sequence: 0 }).execute()
  await passOver(db, down)

  await goOn(db, latter)
  await db
    .updateTable('delivery')
    .set({ nextAttemptAt: new Date(0) })
    .execute()
  await passOver(db, down)

  const deliveries = await db
    .selectFrom('delivery')
    .select(['integrationId', 'sequence', 'attempts'])
    .orderBy('sequence')
    .execute()
  t.deepEqual(
    deliveries.map((it) => [it.integrationId === latter.integrationId, it.attempts]),
    [
      [true, 2],
      [true, 0],
      [true, 0],
    ],
  )
})

for (const first of ['the sink', 'the new connection']) {
  test(`a delivery that is made meanwhile follows too, when ${first} comes first`, async (t) => {
    const { db, former, latter } = await connectedAgain(t, { purge: false })
    const { workspaceId } = former
    const name = await aSink(db, workspaceId)
    const sink = { name, types: ['transcript.published'], allRevisions: false } as const
    const [fanning, moving] = [
      await db.startTransaction().execute(),
      await db.startTransaction().execute(),
    ]
    const fanOut = () => insertDeliveries(fanning, sink, { workspaceId, sequence: 0 }, 10)
    const move = () => followOn(moving, latter.integrationId, [published])

    if (first === 'the sink') {
      await fanOut()
      const moved = move()
      await untilBlocked(db)
      await fanning.commit().execute()
      await moved
      await moving.commit().execute()
    } else {
      await move()
      const fanned = fanOut()
      await untilBlocked(db)
      await moving.commit().execute()
      await fanned
      await fanning.commit().execute()
    }

    const deliveries = await db.selectFrom('delivery').select('integrationId').execute()
    t.deepEqual(
      deliveries.map(({ integrationId }) => integrationId),
      [latter.integrationId, latter.integrationId],
    )
  })
}

async function goOn(db: Kysely<Database>, latter: Feed): Promise<void> {
  await follow(db, latter.integrationId, published)
  await publish(db, latter, { ticketId: 1, revision: 3 })
}
