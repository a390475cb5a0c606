import { spawn } from 'node:child_process'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { toPublication } from '../../../src/outbox/publication.ts'
import { readFeed } from '../../../src/outbox/store.ts'
import { LANES, type RelayCounts } from '../../../src/publish/push/relay-once.ts'
import { testDatabase } from '../../support/database.ts'
import { type Feed, aFeed, publish, retract } from '../../support/outbox-rows.ts'
import { randomFrom } from '../../support/random.ts'
import { type Received, aReceiver, answer } from '../../support/receiver.ts'
import { environmentSink, localHttp, passOver } from '../../support/sinks.ts'

const never = new AbortController().signal

interface Relay {
  readonly db: Kysely<Database>
  readonly databaseUrl: string
  readonly feed: Feed
  readonly url: string
  readonly received: Received[]
  readonly pass: (signal?: AbortSignal) => Promise<RelayCounts>
}

async function setUp(
  t: ExecutionContext,
  respond: Parameters<typeof aReceiver>[1],
): Promise<Relay> {
  const [{ db, url: databaseUrl }, { url, received }] = await Promise.all([
    testDatabase(t),
    aReceiver(t, respond),
  ])
  const http = localHttp(t)
  await environmentSink(db)
  const pass = (signal = never) => passOver(db, { url, http }, signal)
  return { db, databaseUrl, feed: await aFeed(db), url, received, pass }
}

function tickets(first: number, last: number): { ticketId: number }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ ticketId: first + index }))
}

function deliveries(db: Kysely<Database>) {
  return db.selectFrom('delivery').selectAll().orderBy('sequence').execute()
}

/** Lets all that waits be due and all claims run out. */
async function skipWaits(db: Kysely<Database>): Promise<void> {
  await db
    .updateTable('delivery')
    .set({ nextAttemptAt: sql`now()`, claimedUntil: null })
    .where('state', '=', 'pending')
    .execute()
}

function revisionsOf(received: readonly Received[]): [string, number][] {
  return received.map(({ transcriptId, revision }) => [transcriptId, revision])
}

test('each publication is delivered once, as the feed shows it', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(202))
  await publish(db, feed, ...tickets(1, 3))

  const first = await pass()
  const second = await pass()

  const none = { fannedOut: 0, replayed: 0, delivered: 0, postponed: 0, superseded: 0, dead: 0 }
  t.deepEqual(first, { ...none, fannedOut: 3, delivered: 3 })
  t.deepEqual(second, none)
  t.deepEqual(received.map(({ transcriptId }) => transcriptId).sort(), [
    'zendesk:acme:1',
    'zendesk:acme:2',
    'zendesk:acme:3',
  ])
  const { entries } = await readFeed(db, feed.workspaceId, 0, 10)
  const bodies = new Map(received.map(({ webhookId, body }) => [webhookId, JSON.parse(body)]))
  for (const entry of entries) t.deepEqual(bodies.get(entry.id), toPublication(entry))
  for (const { state, outcome, attempts, claimedUntil } of await deliveries(db)) {
    t.like({ state, outcome, attempts }, { state: 'delivered', outcome: 'status 202', attempts: 1 })
    t.is(claimedUntil, null)
  }
})

test('a history longer than a fan-out is delivered whole by one pass', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(200))
  for (const first of [1, 501, 1_001]) await publish(db, feed, ...tickets(first, first + 499))

  const counts = await pass()

  t.like(counts, { fannedOut: 1_500, delivered: 1_500 })
  t.is(new Set(received.map(({ webhookId }) => webhookId)).size, 1_500)
})

test('two workers at once deliver each publication once', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, ...tickets(1, 400))

  const [one, two] = await Promise.all([pass(), pass()])

  t.is(one.delivered + two.delivered, 400)
  t.is(one.fannedOut + two.fannedOut, 400)
  t.is(received.length, 400)
})

test('a newer revision waits until the older one is settled', async (t) => {
  const answered = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const { db, feed, received, pass } = await setUp(t, async ({ revision }, response) => {
    if (revision === 1) {
      arrived.resolve()
      await answered.promise
    }
    response.writeHead(200).end()
  })
  await publish(db, feed, { ticketId: 1 })
  const first = pass()
  await arrived.promise
  await publish(db, feed, { ticketId: 1, revision: 2 })

  const during = await pass()
  const receivedDuring = received.length
  answered.resolve()
  await first
  await pass()

  t.like(during, { fannedOut: 1, delivered: 0 })
  t.is(receivedDuring, 1)
  t.deepEqual(revisionsOf(received), [
    ['zendesk:acme:1', 1],
    ['zendesk:acme:1', 2],
  ])
})

test('a newer revision replaces an older one that was not delivered', async (t) => {
  let status = 500
  const { db, feed, received, pass } = await setUp(t, (_, response) =>
    response.writeHead(status).end(),
  )
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await pass()
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await retract(db, feed, { ticketId: 1, revision: 3, reason: 'deleted' })
  status = 200

  await pass()
  await skipWaits(db)
  await pass()

  t.deepEqual(revisionsOf(received.slice(2)), [
    ['zendesk:acme:1', 3],
    ['zendesk:acme:2', 1],
  ])
  t.deepEqual(
    (await deliveries(db)).map(({ ticketId, state, outcome }) => [ticketId, state, outcome]),
    [
      [1, 'superseded', 'a newer revision exists'],
      [2, 'delivered', 'status 200'],
      [1, 'superseded', 'a newer revision exists'],
      [1, 'delivered', 'status 200'],
    ],
  )
})

test('an older revision that fails while a newer one waits is not tried again', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const { db, feed, received, pass } = await setUp(t, async ({ revision }, response) => {
    arrived.resolve()
    await answered.promise
    response.writeHead(revision === 1 ? 500 : 200).end()
  })
  await publish(db, feed, { ticketId: 1 })
  const first = pass()
  await arrived.promise
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await pass()
  answered.resolve()

  await first
  await pass()

  t.deepEqual(revisionsOf(received), [
    ['zendesk:acme:1', 1],
    ['zendesk:acme:1', 2],
  ])
  t.like(await deliveries(db), [
    { state: 'superseded', outcome: 'status 500', attempts: 1 },
    { state: 'delivered', attempts: 1 },
  ])
})

test('whatever a receiver does, transcripts keep their order and one attempt runs for each', async (t) => {
  const random = randomFrom(11)
  const underWay = new Set<string>()
  let overlaps = 0
  const accepted: Received[] = []
  const { db, feed, pass } = await setUp(t, async (one, response) => {
    if (underWay.has(one.transcriptId)) overlaps += 1
    underWay.add(one.transcriptId)
    await new Promise((resolve) => setImmediate(resolve))
    underWay.delete(one.transcriptId)
    const dice = random()
    if (dice < 0.2) return response.socket?.destroy()
    if (dice < 0.5) return response.writeHead(500).end()
    accepted.push(one)
    return response.writeHead(200).end()
  })
  for (let revision = 1; revision <= 8; revision++) {
    await publish(db, feed, ...tickets(1, 25).map((ticket) => ({ ...ticket, revision })))
    await Promise.all([pass(), pass()])
    if (revision % 2 === 0) await skipWaits(db)
  }
  for (let round = 0; round < 40; round++) {
    await skipWaits(db)
    await pass()
  }

  t.is(overlaps, 0)
  const last = new Map<string, number>()
  for (const { transcriptId, revision } of accepted) {
    t.true(revision > (last.get(transcriptId) ?? 0), `${transcriptId} ${revision}`)
    last.set(transcriptId, revision)
  }
  t.deepEqual(new Set(last.values()), new Set([8]))
  t.is(last.size, 25)
  t.false((await deliveries(db)).some(({ state }) => state === 'pending'))
})

test('a failed attempt is put off and its reason kept', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(500))
  await publish(db, feed, { ticketId: 1 })

  const first = await pass()
  const second = await pass()

  t.like(first, { delivered: 0, postponed: 1, dead: 0 })
  t.like(second, { postponed: 0 })
  t.is(received.length, 1)
  const [delivery] = await deliveries(db)
  t.like(delivery, { state: 'pending', attempts: 1, outcome: 'status 500', claimedUntil: null })
})

test('a publication that nobody takes is dead in the end, with the reason', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(500))
  await publish(db, feed, { ticketId: 1 })

  for (let attempt = 1; attempt <= 12; attempt++) {
    await pass()
    await skipWaits(db)
  }

  t.is(received.length, 11)
  t.is(new Set(received.map(({ webhookId }) => webhookId)).size, 1)
  t.like(await deliveries(db), [{ state: 'dead', outcome: 'status 500, attempt 11', attempts: 11 }])
})

test('a receiver that asks for silence is left alone', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(429, { 'retry-after': '600' }))
  await publish(db, feed, ...tickets(1, 500))

  const counts = await pass()

  const during = await pass()

  t.is(during.postponed, 0)
  t.true(received.length <= LANES)
  t.is(counts.postponed, received.length)
  const { waits } = await db
    .selectFrom('delivery')
    .select(sql<number>`min(extract(epoch from next_attempt_at - now()))::float8`.as('waits'))
    .where('attempts', '>', 0)
    .executeTakeFirstOrThrow()
  t.true(waits > 300)
})

test('a worker that is killed before it commits leaves a repeat with the same webhook-id', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { db, databaseUrl, feed, url, received, pass } = await setUp(t, (_, response) => {
    // The first request is taken, and its sender is killed before it hears so.
    if (received.length > 1) response.writeHead(200).end()
    arrived.resolve()
  })
  await publish(db, feed, { ticketId: 1 })
  const script = path.join(import.meta.dirname, '../../support/relay-child.ts')
  const child = spawn(process.execPath, [script, databaseUrl, url], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)))
  await arrived.promise
  child.kill('SIGKILL')
  t.is(await ended, 'SIGKILL')

  const whileClaimed = await pass()
  await db
    .updateTable('delivery')
    .set({ claimedUntil: sql`now()` })
    .execute()
  const afterwards = await pass()

  t.like(whileClaimed, { delivered: 0 })
  t.like(afterwards, { delivered: 1 })
  t.is(received.length, 2)
  t.is(received[0]?.webhookId, received[1]?.webhookId)
  t.is(received[0]?.body, received[1]?.body)
  t.like(await deliveries(db), [{ state: 'delivered', attempts: 2 }])
})

test('a worker that is killed between the 200 and its commit repeats the same webhook-id', async (t) => {
  const { db, databaseUrl, feed, url, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, { ticketId: 1 })
  // Whoever settles a delivery waits for this lock, so that the worker dies with its answer in hand.
  await sql`
    create function wait_at_the_end() returns trigger language plpgsql as $$ begin
      if new.state = 'delivered' then perform pg_advisory_xact_lock(4711); end if; return new;
    end $$`.execute(db)
  await sql`create trigger wait_at_the_end before update on delivery
    for each row execute function wait_at_the_end()`.execute(db)
  const gate = await db.startTransaction().execute()
  await sql`select pg_advisory_xact_lock(4711)`.execute(gate)
  const script = path.join(import.meta.dirname, '../../support/relay-child.ts')
  const child = spawn(process.execPath, [script, databaseUrl, url], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)))
  const settling = sql<{ pid: number }>`
    select pid from pg_stat_activity
    where application_name = 'relay-child' and datname = current_database()
      and wait_event_type = 'Lock'`
  let { rows } = await settling.execute(db)
  while (rows.length === 0) ({ rows } = await settling.execute(db))

  child.kill('SIGKILL')
  t.is(await ended, 'SIGKILL')
  // The server would finish a statement that it has, whether or not somebody still waits for it.
  await sql`select pg_terminate_backend(${rows[0]?.pid}, 10000)`.execute(db)
  await gate.rollback().execute()
  const left = await deliveries(db)
  await skipWaits(db)
  await pass()

  t.like(left, [{ state: 'pending', attempts: 1 }])
  t.is(received.length, 2)
  t.is(received[0]?.webhookId, received[1]?.webhookId)
  t.is(received[0]?.body, received[1]?.body)
  t.like(await deliveries(db), [{ state: 'delivered', attempts: 2 }])
})

test('a worker whose claim has run out settles nothing any more', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const { db, feed, received, pass } = await setUp(t, async (_, response) => {
    if (received.length > 1) return response.writeHead(200).end()
    arrived.resolve()
    await answered.promise
    return response.writeHead(500).end()
  })
  await publish(db, feed, { ticketId: 1 })
  const slow = pass()
  await arrived.promise
  await db
    .updateTable('delivery')
    .set({ claimedUntil: sql`now()` })
    .execute()
  await pass()
  answered.resolve()

  await slow

  t.like(await deliveries(db), [{ state: 'delivered', outcome: 'status 200', attempts: 2 }])
})

test('a stop gives claims back and counts no attempt', async (t) => {
  const stop = new AbortController()
  const { db, feed, received, pass } = await setUp(t, (_, response) => {
    if (stop.signal.aborted) response.writeHead(200).end()
    else stop.abort(new Error('stopping'))
  })
  await publish(db, feed, { ticketId: 1 })

  await t.throwsAsync(pass(stop.signal), { message: 'stopping' })
  t.like(await deliveries(db), [{ state: 'pending', attempts: 0, claimedUntil: null }])
  await pass()

  t.is(received.length, 2)
  t.like(await deliveries(db), [{ state: 'delivered', attempts: 1 }])
})

test('a publication whose text is erased is superseded, and the others go on', async (t) => {
  const { db, feed, received, pass } = await setUp(t, answer(200))
  await publish(db, feed, ...tickets(1, 3))
  await db.deleteFrom('transcriptRevision').where('ticketId', '=', 2).execute()

  await pass()

  t.is(received.length, 2)
  t.like((await deliveries(db))[1], { state: 'superseded', outcome: 'the text is erased' })
})
