import test, { type ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { eraseOnce } from '../../src/housekeeping/erase-once.ts'
import { prunePublicationsOnce } from '../../src/housekeeping/prune-publications-once.ts'
import { findPrunable, savePruned, tryLockPruning } from '../../src/outbox/prune-store.ts'
import { lockPosition, savePosition } from '../../src/outbox/position-store.ts'
import { readLiveTranscripts } from '../../src/outbox/live-store.ts'
import { readFeed } from '../../src/outbox/store.ts'
import { appendOnce } from '../../src/publish/append-once.ts'
import { testDatabase, untilBlocked } from '../support/database.ts'
import { type Feed, aFeed, aTranscript, aTurn, publish, retract } from '../support/outbox-rows.ts'
import { aSink } from '../support/sinks.ts'

const never = new AbortController().signal

async function setUp(t: ExecutionContext) {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  const prune = (...sinks: string[]) => prunePublicationsOnce({ db, sinks, keepDays: 90 }, never)
  return { db, feed, prune }
}

/** Makes the entries up to a number older than what is kept. */
async function age(db: Kysely<Database>, through: number): Promise<void> {
  await sql`
    update outbox_entry set published_at = now() - interval '91 days'
    where sequence <= ${through}`.execute(db)
}

function tickets(first: number, last: number): { ticketId: number }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ ticketId: first + index }))
}

async function sequences(db: Kysely<Database>): Promise<number[]> {
  const rows = await db.selectFrom('outboxEntry').select('sequence').orderBy('sequence').execute()
  return rows.map(({ sequence }) => sequence)
}

async function texts(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('transcriptRevision')
    .select(sql<string>`ticket_id || '/' || revision`.as('text'))
    .orderBy('ticketId')
    .orderBy('revision')
    .execute()
  return rows.map(({ text }) => text)
}

async function prunedThrough(db: Kysely<Database>, { workspaceId }: Feed): Promise<number> {
  return (await readFeed(db, workspaceId, 0, 1)).prunedThrough
}

async function aDelivery(
  db: Kysely<Database>,
  feed: Feed,
  delivery: { sequence: number; ticketId: number; state: 'pending' | 'delivered' | 'dead' },
): Promise<void> {
  const settledAt = delivery.state === 'pending' ? null : new Date()
  await db
    .insertInto('sink')
    .values({ name: 'http', sinkId: 'http', url: 'sha256:0' })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db
    .insertInto('delivery')
    .values({ sink: 'http', ...feed, ...delivery, settledAt })
    .execute()
}

test('old entries go, young ones and the current transcripts stay', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 4))
  await age(db, 3)

  const counts = await prune()

  t.deepEqual(counts, { entries: 3, deliveries: 0, texts: 0 })
  t.deepEqual(await sequences(db), [4])
  t.deepEqual(await texts(db), ['1/1', '2/1', '3/1', '4/1'])
  t.is(await prunedThrough(db, feed), 3)
  t.deepEqual(await prune(), { entries: 0, deliveries: 0, texts: 0 })
})

test('everything may be old, of several workspaces, in more than one batch', async (t) => {
  const { db, feed, prune } = await setUp(t)
  const other = await aFeed(db, 'w2')
  await publish(db, feed, ...tickets(1, 1_300))
  await publish(db, other, ...tickets(1, 7))
  await age(db, 2_000)

  t.is((await prune()).entries, 1_307)

  t.deepEqual(await sequences(db), [])
  t.is(await prunedThrough(db, feed), 1_300)
  t.is(await prunedThrough(db, other), 7)
  await publish(db, feed, { ticketId: 1, revision: 2 })
  const { entries, position } = await readFeed(db, feed.workspaceId, 1_300, 10)
  t.like(entries, [{ sequence: 1_301, revision: 2 }])
  t.is(position, 1_301)
})

test('a text that was replaced goes with its entry, the newest one never', async (t) => {
  const { db, feed, prune } = await setUp(t)
  const grown = (count: number) =>
    aTranscript(Array.from({ length: count }, (_, n) => aTurn({ comment_id: n + 1 })))
  for (const revision of [1, 2, 3]) {
    await publish(db, feed, { ticketId: 1, revision, transcript: grown(revision) })
  }
  await eraseOnce({ db, sinks: [] }, never)
  await age(db, 2)

  t.deepEqual(await prune(), { entries: 2, deliveries: 0, texts: 2 })
  t.deepEqual(await texts(db), ['1/3'])
  await age(db, 3)
  t.deepEqual(await prune(), { entries: 1, deliveries: 0, texts: 0 })
  t.deepEqual(await texts(db), ['1/3'])
  await publish(db, feed, { ticketId: 1, revision: 4, transcript: grown(4) })
  await eraseOnce({ db, sinks: [] }, never)
  await age(db, 4)
  t.deepEqual(await prune(), { entries: 1, deliveries: 0, texts: 1 })

  t.deepEqual(await texts(db), ['1/4'])
  const { transcripts } = await readLiveTranscripts(db, feed.workspaceId, {
    after: undefined,
    limit: 9,
  })
  t.like(transcripts, [{ ticketId: 1, revision: 4 }])
})

test('a retraction goes like any other entry, and its transcript stays retracted', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, { ticketId: 1 })
  await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })
  await eraseOnce({ db, sinks: [] }, never)
  await age(db, 2)

  t.deepEqual(await prune(), { entries: 2, deliveries: 0, texts: 0 })

  const heads = await db.selectFrom('transcript').select(['state', 'revision']).execute()
  t.deepEqual(heads, [{ state: 'retracted', revision: 2 }])
})

test('nothing goes from the first entry on that a sink has not come to', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 5))
  await age(db, 5)

  t.is((await prune('http', 'file:/x')).entries, 0)
  for (const [sink, sequence] of [
    ['http', 5],
    ['file:/x', 2],
    ['file:/gone', 0],
  ] as const) {
    await db
      .insertInto('sinkPosition')
      .values({ sink, workspaceId: feed.workspaceId, sequence })
      .execute()
  }
  t.is((await prune('http', 'file:/x')).entries, 2)
  t.deepEqual(await sequences(db), [3, 4, 5])
  t.is((await prune('http')).entries, 3)
})

test('a sink of the workspace and a replay hold back what they have not come to', async (t) => {
  const { db, feed, prune } = await setUp(t)
  const { workspaceId } = feed
  const sink = await aSink(db, workspaceId)
  await publish(db, feed, ...tickets(1, 6))
  await age(db, 6)
  const come = (sequence: number) =>
    db.transaction().execute(async (trx) => {
      await lockPosition(trx, sink, workspaceId)
      await savePosition(trx, sink, { workspaceId, sequence })
    })

  t.is((await prune()).entries, 0)
  await come(2)
  t.is((await prune()).entries, 2)
  await db.insertInto('replay').values({ sink, workspaceId, sequence: 3, through: 6 }).execute()
  await come(6)
  t.is((await prune()).entries, 1)
  await db
    .updateTable('sink')
    .set({ state: 'off', stateReason: 'it took nothing for five days' })
    .execute()
  t.is((await prune()).entries, 3)
})

test('nothing goes from the first entry on that is still to be delivered', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 4))
  await aDelivery(db, feed, { sequence: 1, ticketId: 1, state: 'delivered' })
  await aDelivery(db, feed, { sequence: 2, ticketId: 2, state: 'dead' })
  await aDelivery(db, feed, { sequence: 3, ticketId: 3, state: 'pending' })
  await age(db, 4)

  t.deepEqual(await prune(), { entries: 2, deliveries: 2, texts: 0 })
  t.deepEqual(await sequences(db), [3, 4])

  await db.updateTable('delivery').set({ state: 'dead', settledAt: new Date() }).execute()
  t.deepEqual(await prune(), { entries: 2, deliveries: 1, texts: 0 })
})

test('what waits for a sink that there is no more is not waited for', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 2))
  await aDelivery(db, feed, { sequence: 1, ticketId: 1, state: 'pending' })
  await age(db, 2)

  t.is((await prune()).entries, 0)
  await db.deleteFrom('sink').where('name', '=', 'http').execute()
  t.deepEqual(await prune(), { entries: 2, deliveries: 1, texts: 0 })
})

test('an entry that a note of the eraser needs stays until the text is erased', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 2))
  await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })
  await age(db, 3)

  t.is((await prune()).entries, 2)
  t.deepEqual(await sequences(db), [3])
  t.deepEqual(await eraseOnce({ db, sinks: [] }, never), { erased: 0, postponed: 0 })
  t.deepEqual(await texts(db), ['2/1'])
  t.is((await prune()).entries, 1)
})

test('a delivery that is redriven while its feed is pruned keeps its entry', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 2))
  await aDelivery(db, feed, { sequence: 1, ticketId: 1, state: 'dead' })
  await age(db, 2)
  const redrive = await db.startTransaction().execute()
  await redrive.updateTable('delivery').set({ state: 'pending', settledAt: null }).execute()

  const pruning = t.throwsAsync(prune(), { message: /delivery_workspace_id_sequence_fkey/ })
  await untilBlocked(db)
  await redrive.commit().execute()
  await pruning

  t.deepEqual(await sequences(db), [1, 2])
  t.is((await prune()).entries, 0)
})

test('a page that is read while its feed is pruned is whole, or says what is missing', async (t) => {
  const { db, feed } = await setUp(t)
  await publish(db, feed, ...tickets(1, 5))
  await age(db, 3)
  const pruning = await db.startTransaction().execute()
  t.true(await tryLockPruning(pruning, feed.workspaceId))
  const span = await findPrunable(pruning, feed.workspaceId, { keepDays: 90, sinks: [], limit: 10 })
  await sql`delete from outbox_entry where sequence <= ${span.through}`.execute(pruning)
  await savePruned(pruning, span)

  const before = await readFeed(db, feed.workspaceId, 1, 10)
  await pruning.commit().execute()
  const after = await readFeed(db, feed.workspaceId, 1, 10)
  const onward = await readFeed(db, feed.workspaceId, 3, 10)

  t.is(before.prunedThrough, 0)
  t.deepEqual(
    before.entries.map(({ sequence }) => sequence),
    [2, 3, 4, 5],
  )
  t.is(after.prunedThrough, 3)
  t.deepEqual(
    onward.entries.map(({ sequence }) => sequence),
    [4, 5],
  )
})

test('a feed that somebody prunes is left to them', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 3))
  await age(db, 3)

  await db.transaction().execute(async (trx) => {
    t.true(await tryLockPruning(trx, feed.workspaceId))
    t.is((await prune()).entries, 0)
  })

  t.is((await prune()).entries, 3)
})

test('a writer of the feed does not wait for what is deleted', async (t) => {
  const { db, feed } = await setUp(t)
  await publish(db, feed, ...tickets(1, 3))
  await age(db, 3)

  await db.transaction().execute(async (trx) => {
    await tryLockPruning(trx, feed.workspaceId)
    await sql`delete from outbox_entry`.execute(trx)
    await publish(db, feed, { ticketId: 4 })
    await savePruned(trx, { workspaceId: feed.workspaceId, after: 0, through: 3 })
  })

  t.deepEqual(await sequences(db), [4])
  t.is(await prunedThrough(db, feed), 3)
})

test('a file that is new to a pruned feed goes on behind what is gone, and says so', async (t) => {
  const { db, feed, prune } = await setUp(t)
  await publish(db, feed, ...tickets(1, 1_500))
  await age(db, 1_200)
  await prune()

  const counts = await appendOnce({ db, sink: 'file', path: '/dev/null' }, never)
  const position = await db
    .transaction()
    .execute((trx) => lockPosition(trx, 'http', feed.workspaceId))

  t.deepEqual(counts, { appended: 300, missed: 1_200 })
  t.is(position, 1_200)
})
