import type { ExecutionContext } from 'ava'
import test from 'ava'
import { type Kysely, sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import type { Database } from '../../../db/schema.ts'
import { PublicationId } from '../../../src/ids.ts'
import { findPublication, listDeliveries } from '../../../src/outbox/delivery/redrive-store.ts'
import { replayNext } from '../../../src/outbox/delivery/replay-store.ts'
import { findDueSinks } from '../../../src/outbox/sink/due-store.ts'
import type { SinkChange } from '../../../src/outbox/sink/terms.ts'
import { activateSinks, deleteSink } from '../../../src/outbox/sink/store.ts'
import { endOnce } from '../../../src/publish/push/end-once.ts'
import { testDatabase } from '../../support/database.ts'
import { aFeed, publish, retract } from '../../support/outbox-rows.ts'
import { type Received, aReceiver, answer } from '../../support/receiver.ts'
import { aSink, environmentSink, localHttp, passOver, readSink } from '../../support/sinks.ts'

const never = new AbortController().signal

async function setUp(
  t: ExecutionContext,
  respond: Parameters<typeof aReceiver>[1],
  terms: SinkChange = {},
) {
  const [{ db }, { url, received }] = await Promise.all([testDatabase(t), aReceiver(t, respond)])
  const feed = await aFeed(db)
  const name = await aSink(db, feed.workspaceId, { url, ...terms })
  const http = localHttp(t)
  return { db, feed, name, url, received, http, pass: () => passOver(db, { name, url, http }) }
}

function told(received: readonly Received[]): string[] {
  return received.map(({ transcriptId, revision }) => `${transcriptId}/${revision}`)
}

async function states(db: Kysely<Database>): Promise<string[]> {
  const rows = await db.selectFrom('delivery').selectAll().orderBy('sequence').execute()
  return rows.map(({ ticketId, state, outcome }) => `${ticketId} ${state}: ${outcome}`)
}

async function stateOf(db: Kysely<Database>, name: string): Promise<string> {
  const { state, stateReason } = (await readSink(db, name)).row
  return `${state}: ${stateReason}`
}

async function skipWaits(db: Kysely<Database>): Promise<void> {
  await sql`update delivery set next_attempt_at = now(), claimed_until = null
    where state = 'pending'`.execute(db)
}

test('a new sink gets what is published from then on', async (t) => {
  const { db } = await testDatabase(t)
  const { url, received } = await aReceiver(t, answer(200))
  const feed = await aFeed(db)
  await publish(db, feed, { ticketId: 1 })
  const name = await aSink(db, feed.workspaceId, { url })
  await publish(db, feed, { ticketId: 2 })

  await passOver(db, { name, url, http: localHttp(t) })

  t.deepEqual(told(received), ['zendesk:acme:2/1'])
})

test('a sink of one workspace gets nothing of another one', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(200))
  const other = await aFeed(db, 'w2')
  await publish(db, other, { ticketId: 1 })
  await publish(db, feed, { ticketId: 2 })

  await pass()

  t.deepEqual(told(received), ['zendesk:acme:2/1'])
})

test('types say what is sent, and a retraction still ends what it takes back', async (t) => {
  let status = 500
  const { db, feed, received, pass } = await setUp(t, (_, it) => it.writeHead(status).end(), {
    types: ['transcript.published'],
  })
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await pass()
  await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })
  status = 200
  await pass()
  await skipWaits(db)

  await pass()

  t.deepEqual(told(received.slice(2)), ['zendesk:acme:2/1'])
  t.deepEqual(await states(db), [
    '1 superseded: a newer revision exists',
    '2 delivered: status 200',
  ])
})

test('a sink for all revisions gets each of them, the older first', async (t) => {
  let status = 500
  const { db, feed, received, pass } = await setUp(t, (_, it) => it.writeHead(status).end(), {
    allRevisions: true,
  })
  await publish(db, feed, { ticketId: 1 })
  await pass()
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await publish(db, feed, { ticketId: 1, revision: 3 })
  await pass()
  status = 200
  await skipWaits(db)

  await pass()

  t.deepEqual(
    told(received),
    ['1', '1', '2', '3'].map((revision) => `zendesk:acme:1/${revision}`),
  )
})

test('410 stops the sink; what waited is dead, and what comes later waits for it', async (t) => {
  let status = 410
  const { db, feed, name, received, pass } = await setUp(t, (_, it) => it.writeHead(status).end())
  await publish(db, feed, { ticketId: 1 })
  await pass()
  await sql`update sink set state = 'active', state_reason = null`.execute(db)
  await sql`update delivery set state = 'pending', settled_at = null`.execute(db)
  await publish(db, feed, { ticketId: 2 })
  await sql`insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id,
    next_attempt_at) select ${name}, workspace_id, sequence, integration_id, ticket_id,
    now() + interval '1 hour' from outbox_entry where sequence = 2`.execute(db)

  await pass()
  const due = await findDueSinks(db, { except: [], limit: 10 })
  const ended = await endOnce(db, name, never)
  await publish(db, feed, { ticketId: 3 })
  const afterwards = await pass()

  t.is(await stateOf(db, name), 'stopped: gone (410)')
  t.deepEqual(
    due.map((sink) => sink.name),
    [name],
  )
  t.deepEqual(ended, { buried: 1, dropped: 0 })
  t.deepEqual(await states(db), ['1 dead: gone (410)', '2 dead: the sink is stopped: gone (410)'])
  t.is(afterwards.fannedOut, 0)
  t.is(received.length, 2)
  t.deepEqual(await findDueSinks(db, { except: [], limit: 10 }), [])

  status = 200
  await db.transaction().execute((trx) => activateSinks(trx, [name]))
  await pass()

  t.deepEqual(told(received.slice(2)), ['zendesk:acme:3/1'])
})

test('a receiver that takes nothing for five days is switched off, with the reason', async (t) => {
  const { db, feed, name, pass } = await setUp(t, answer(500))
  await publish(db, feed, { ticketId: 1 })
  await pass()
  const failing = (await readSink(db, name)).row
  await sql`update sink set failing_since = now() - interval '121 hours'`.execute(db)
  await skipWaits(db)

  await pass()
  await endOnce(db, name, never)

  t.truthy(failing.failingSince)
  t.is(failing.state, 'active')
  t.is(await stateOf(db, name), 'off: nothing was taken for 5 days: status 500')
  t.deepEqual(await states(db), [
    '1 dead: the sink is off: nothing was taken for 5 days: status 500',
  ])
})

test('a success ends the failing, and a pause of days begins it anew', async (t) => {
  let status = 500
  const { db, feed, name, pass } = await setUp(t, (_, it) => it.writeHead(status).end())
  await publish(db, feed, { ticketId: 1 })
  await pass()
  await sql`update sink set failing_since = now() - interval '121 hours',
    failed_at = now() - interval '49 hours'`.execute(db)
  await skipWaits(db)
  await pass()
  const anew = (await readSink(db, name)).row
  status = 200
  await skipWaits(db)
  await pass()

  t.is(anew.state, 'active')
  t.true((anew.failingSince?.diffNow('hours').hours ?? -99) > -1)
  t.like((await readSink(db, name)).row, { state: 'active', failingSince: null, failedAt: null })
})

test('a silence that was asked for holds for every process, and ends', async (t) => {
  let status = 503
  const { db, feed, name, received, pass } = await setUp(t, (_, response) =>
    response.writeHead(status, { 'retry-after': '600' }).end(),
  )
  await publish(db, feed, { ticketId: 1 })
  await pass()
  await publish(db, feed, { ticketId: 2 })

  const due = await findDueSinks(db, { except: [], limit: 10 })
  await pass()
  const during = received.length
  const { heldUntil } = (await readSink(db, name)).row
  await sql`update sink set held_until = now()`.execute(db)
  status = 200
  await pass()

  t.deepEqual(due, [])
  t.is(during, 1)
  t.true((heldUntil?.diffNow('seconds').seconds ?? 0) > 300)
  t.is(received.length, 2)
})

test('what a deleted sink waited for is dropped, and then the sink', async (t) => {
  const { db, feed, name, pass } = await setUp(t, answer(500))
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await pass()
  await db.transaction().execute((trx) => deleteSink(trx, name))

  const [due] = await findDueSinks(db, { except: [], limit: 10 })
  const ended = await endOnce(db, name, never)

  t.is(due?.name, name)
  t.deepEqual(ended, { buried: 0, dropped: 2 })
  for (const table of ['sink', 'sinkPosition', 'delivery'] as const) {
    t.deepEqual(await db.selectFrom(table).selectAll().execute(), [], table)
  }
})

test('a pass that knows the settings of before a change claims nothing more', async (t) => {
  const { db, feed, received, pass } = await setUp(t, async (_, response) => {
    await sql`update sink set version = version + 1`.execute(db)
    response.writeHead(200).end()
  })
  await publish(db, feed, { ticketId: 1 })
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await sql`update sink set all_revisions = true`.execute(db)

  await pass()
  const first = received.length
  await pass()

  t.is(first, 1)
  t.deepEqual(told(received), ['zendesk:acme:1/1', 'zendesk:acme:1/2'])
})

for (const status of [410, 503, 500]) {
  test(`what the receiver of before a change refuses with ${status} says nothing of today's`, async (t) => {
    const { db, feed, received, name, pass } = await setUp(t, async (_, response) => {
      if (received.length > 1) return response.writeHead(200).end()
      await sql`update sink set version = version + 1`.execute(db)
      return response.writeHead(status, { 'retry-after': '600' }).end()
    })
    await publish(db, feed, { ticketId: 1 })

    await pass()
    const { row } = await readSink(db, name)
    const [waiting] = await states(db)
    await pass()

    t.like(row, { state: 'active', heldUntil: null, failingSince: null })
    t.is(waiting, '1 pending: null')
    t.deepEqual(await states(db), ['1 delivered: status 200'])
  })
}

async function noteReplay(
  db: Kysely<Database>,
  sink: string,
  { after = 0, through = 4, ticketIds = null as number[] | null } = {},
): Promise<void> {
  await db
    .insertInto('replay')
    .values({ sink, workspaceId: 'w1', sequence: after, through, ticketIds })
    .execute()
}

test('a replay sends the same publications again, marked, with the body as it was', async (t) => {
  const { db, feed, name, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await pass()
  await noteReplay(db, name)

  const counts = await pass()

  t.like(counts, { fannedOut: 0, replayed: 2, delivered: 2 })
  t.is(received.length, 4)
  const [first, again] = [received.slice(0, 2), received.slice(2)]
  const bodies = (some: readonly Received[]) =>
    some.map(({ webhookId, body }) => `${webhookId} ${body}`).toSorted()
  t.deepEqual(bodies(again), bodies(first))
  t.deepEqual(
    received.map(({ headers }) => headers['webhook-replay']),
    [undefined, undefined, 'true', 'true'],
  )
  t.deepEqual(await db.selectFrom('replay').selectAll().execute(), [])
  const { history, attempts } = await db
    .selectFrom('delivery')
    .selectAll()
    .where('ticketId', '=', 1)
    .executeTakeFirstOrThrow()
  t.is(attempts, 2)
  t.like(history, [
    { attempt: 1, outcome: 'status 200' },
    { attempt: 2, outcome: 'status 200' },
  ])
})

test('a replay tells a transcript by its newest revision, and brings no erased text back', async (t) => {
  const { db, feed, name, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 }, { ticketId: 3 })
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await retract(db, feed, { ticketId: 2, revision: 2, reason: 'deleted' })
  await db.deleteFrom('transcriptRevision').where('ticketId', 'in', [2, 3]).execute()
  await db.updateTable('sinkPosition').set({ sequence: 5 }).execute()
  await noteReplay(db, name, { through: 5 })

  await pass()

  t.deepEqual(told(received).toSorted(), ['zendesk:acme:1/2', 'zendesk:acme:2/2'])
})

test('a replay for all revisions sends them in their order, and what follows after them', async (t) => {
  const { db, feed, name, received, pass } = await setUp(t, answer(200), { allRevisions: true })
  await publish(db, feed, { ticketId: 1 })
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await pass()
  await noteReplay(db, name)
  const sink = await readSink(db, name)
  await db.transaction().execute((trx) => replayNext(trx, sink, 10))
  await publish(db, feed, { ticketId: 1, revision: 3 })

  await pass()

  t.deepEqual(
    told(received.slice(2)),
    ['1', '2', '3'].map((revision) => `zendesk:acme:1/${revision}`),
  )
})

test('a replay for all revisions is followed by what is newer than itself', async (t) => {
  const { db, feed, name, received, pass } = await setUp(t, answer(200), { allRevisions: true })
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await pass()
  await noteReplay(db, name, { through: 2 })

  await pass()

  const told1 = told(received.slice(3)).filter((it) => it.startsWith('zendesk:acme:1/'))
  t.deepEqual(told1, ['zendesk:acme:1/1', 'zendesk:acme:1/2'])
})

test('what is under way when an older revision is replayed comes once more after it', async (t) => {
  const held = Promise.withResolvers<void>()
  const { db, feed, name, received, pass } = await setUp(
    t,
    async ({ revision }, response) => {
      if (revision === 2 && received.length === 2) {
        await replayed()
        held.resolve()
      }
      response.writeHead(200).end()
    },
    { allRevisions: true },
  )
  const replayed = async (): Promise<void> => {
    await noteReplay(db, name)
    const sink = await readSink(db, name)
    await db.transaction().execute((trx) => replayNext(trx, sink, 10))
  }
  await publish(db, feed, { ticketId: 1 })
  await pass()
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await pass()
  await held.promise
  await skipWaits(db)

  await pass()

  t.deepEqual(
    told(received),
    ['1', '2', '1', '2'].map((revision) => `zendesk:acme:1/${revision}`),
  )
})

test('a replay of tickets, or from a place on, sends these and no others', async (t) => {
  const { db, feed, name, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, ...[1, 2, 3, 4].map((ticketId) => ({ ticketId })))
  await db.updateTable('sinkPosition').set({ sequence: 4 }).execute()
  await noteReplay(db, name, { ticketIds: [1, 3, 99] })
  await pass()
  await noteReplay(db, name, { after: 3, through: 4 })
  await pass()

  t.deepEqual(
    told(received).toSorted(),
    [1, 3, 4].map((ticket) => `zendesk:acme:${ticket}/1`),
  )
  t.deepEqual(await db.selectFrom('replay').selectAll().execute(), [])
})

test('a long replay goes on where it was, in transactions of its own', async (t) => {
  const { db, feed, name } = await setUp(t, answer(200))
  await publish(db, feed, ...Array.from({ length: 25 }, (_, index) => ({ ticketId: index + 1 })))
  const sink = await readSink(db, name)
  const next = () => db.transaction().execute((trx) => replayNext(trx, sink, 10))
  await noteReplay(db, name, { through: 25 })
  await noteReplay(db, name, { through: 25, ticketIds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] })

  const counts = [
    await next(),
    await next(),
    await next(),
    await next(),
    await next(),
    await next(),
  ]

  // What the first made pending, the second leaves as it is.
  t.deepEqual(counts, [10, 10, 5, 0, 0, undefined])
})

test('a publication tells its turns at all sinks, with what came of each attempt', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(500))
  await environmentSink(db)
  await publish(db, feed, { ticketId: 1 })
  await pass()

  const id = PublicationId.parse(received[0]?.webhookId)
  const publication = await findPublication(db, id)

  t.like(publication, { id, sequence: 1, ticketId: 1, hasNewer: false, isErased: false })
  const deliveries = await listDeliveries(db, publication!)
  t.like(deliveries, [
    { sinkId: 'http', state: 'pending', attempts: 0, history: [] },
    { sinkId: 'one', state: 'pending', attempts: 1, history: [{ outcome: 'status 500' }] },
  ])
})

test('during a rotation both secrets sign', async (t) => {
  const { db, feed, name, url, received, http } = await setUp(t, answer(200))
  await publish(db, feed, { ticketId: 1 })
  const secrets = ['whsec_AAAAAAAAAAAAAAAAAAAAAAAA', 'whsec_BBBBBBBBBBBBBBBBBBBBBBBB']

  await passOver(db, { name, url, http, secrets })

  const [{ body, headers } = { body: '', headers: {} }] = received
  for (const secret of secrets) t.notThrows(() => new Webhook(secret).verify(body, headers))
  t.throws(() => new Webhook('whsec_CCCCCCCCCCCCCCCCCCCCCCCC').verify(body, headers))
})
