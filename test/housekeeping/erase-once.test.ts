import test, { type ExecutionContext } from 'ava'
import { type Kysely, type Transaction, sql } from 'kysely'
import { connect } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'
import { eraseOnce } from '../../src/housekeeping/erase-once.ts'
import { readLiveTranscripts } from '../../src/outbox/live-store.ts'
import { isErased } from '../../src/outbox/entry.ts'
import { readFeed } from '../../src/outbox/store.ts'
import { appendOnce } from '../../src/publish/append-once.ts'
import {
  claimErasures,
  endErasures,
  eraseAll,
  postponeErasures,
  readHeads,
  readRevisionBelow,
} from '../../src/transcript/erasure-store.ts'
import type { StoredTurn } from '../../src/transcript/transcript.ts'
import { testDatabase } from '../support/database.ts'
import { plansOf } from '../support/explain.ts'
import {
  type Feed,
  type Revision,
  aFeed,
  aTranscript,
  aTurn,
  publish,
  retract,
} from '../support/outbox-rows.ts'
import { type Fate, startPostgresProxy } from '../support/postgres-proxy.ts'

const never = new AbortController().signal

const hello = aTurn({ comment_id: 1, text: 'hello' })
const secret = aTurn({ comment_id: 2, text: 'my number is 4711' })
const blackened = { ...secret, text: 'my number is ▇▇▇▇' }
const thanks = aTurn({ comment_id: 3, text: 'thanks' })

function said(ticketId: number, revision: number, ...turns: readonly StoredTurn[]): Revision {
  return { ticketId, revision, transcript: aTranscript(turns) }
}

async function setUp(t: ExecutionContext) {
  const { db, url } = await testDatabase(t)
  const feed = await aFeed(db)
  return { db, url, feed, erase: (...sinks: string[]) => eraseOnce({ db, sinks }, never) }
}

/** The revisions whose text stands in the database: `ticket/revision`. */
async function texts(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('transcriptRevision')
    .select(['ticketId', 'revision'])
    .orderBy('ticketId')
    .orderBy('revision')
    .execute()
  return rows.map(({ ticketId, revision }) => `${ticketId}/${revision}`)
}

async function noted(db: Kysely<Database>): Promise<number> {
  return (await db.selectFrom('erasure').select('ticketId').execute()).length
}

const deleted = (ticketId: number, revision: number) =>
  ({ ticketId, revision, reason: 'deleted' }) as const

/** Makes everything due that was put off. */
async function passTime(db: Kysely<Database>): Promise<void> {
  await sql`update erasure set due_at = now()`.execute(db)
}

async function reach(db: Kysely<Database>, sink: string, sequence: number): Promise<void> {
  await db
    .insertInto('sinkPosition')
    .values({ sink, workspaceId: 'w1', sequence })
    .onConflict((conflict) => conflict.columns(['sink', 'workspaceId']).doUpdateSet({ sequence }))
    .execute()
}

test('what is published once is not noted, and nothing of it is erased', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, hello), said(2, 1, hello))

  t.is(await noted(db), 0)
  t.deepEqual(await erase(), { erased: 0, postponed: 0 })
  t.deepEqual(await texts(db), ['1/1', '2/1'])
})

test('all text of a transcript that is taken back is erased, and of no other one', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, hello), said(2, 1, hello))
  await publish(db, feed, said(1, 2, hello, thanks))
  await retract(db, feed, deleted(1, 3))

  t.deepEqual(await erase(), { erased: 2, postponed: 0 })

  t.deepEqual(await texts(db), ['2/1'])
  t.is(await noted(db), 0)
  const { entries, position } = await readFeed(db, feed.workspaceId, 0, 10)
  t.deepEqual(
    entries.map((it) => `${it.ticketId}/${it.revision} ${isErased(it) ? 'erased' : it.type}`),
    ['1/1 erased', '2/1 transcript.published', '1/2 erased', '1/3 transcript.retracted'],
  )
  t.is(position, 4)
})

test('earlier words that the newest revision still says stay', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, hello))
  await publish(db, feed, said(1, 2, hello, secret))
  await publish(db, feed, said(1, 3, hello, secret, thanks))

  t.deepEqual(await erase(), { erased: 0, postponed: 0 })

  t.deepEqual(await texts(db), ['1/1', '1/2', '1/3'])
  t.is(await noted(db), 0)
})

test('only the revisions with what a later one took back are erased', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, hello), said(2, 1, secret))
  await publish(db, feed, said(1, 2, hello, secret))
  await publish(db, feed, said(1, 3, hello, secret, thanks))
  await erase()
  await publish(db, feed, said(1, 4, hello, blackened, thanks))

  t.deepEqual(await erase(), { erased: 2, postponed: 0 })

  t.deepEqual(await texts(db), ['1/1', '1/4', '2/1'])
  await publish(db, feed, said(1, 5, hello, thanks))
  t.deepEqual(await erase(), { erased: 1, postponed: 0 })
  t.deepEqual(await texts(db), ['1/1', '1/5', '2/1'])
  const { transcripts } = await readLiveTranscripts(db, feed.workspaceId, {
    after: undefined,
    limit: 10,
  })
  t.deepEqual(transcripts[0]?.transcript.turns, [hello, thanks])
})

test('what was taken back before the last look is found behind revisions that only grew', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, secret))
  await publish(db, feed, said(1, 2, hello))
  await publish(db, feed, said(1, 3, hello, thanks))

  t.deepEqual(await erase(), { erased: 1, postponed: 0 })
  t.deepEqual(await texts(db), ['1/2', '1/3'])
})

test('a ticket that came back keeps what it says again, and nothing else', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, hello, secret))
  await retract(db, feed, deleted(1, 2))
  await publish(db, feed, said(1, 3, hello))

  t.deepEqual(await erase(), { erased: 1, postponed: 0 })
  t.deepEqual(await texts(db), ['1/3'])
})

test('text waits for the sink that has not come to its retraction', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, secret))
  await retract(db, feed, deleted(1, 2))

  t.deepEqual(await erase('file:/x'), { erased: 0, postponed: 1 })
  await reach(db, 'file:/x', 1)
  await passTime(db)
  t.deepEqual(await erase('file:/x'), { erased: 0, postponed: 1 })
  t.deepEqual(await texts(db), ['1/1'])
  await reach(db, 'file:/x', 2)
  t.deepEqual(await erase('file:/x'), { erased: 0, postponed: 0 }, 'it is put off for seconds')
  await passTime(db)
  t.deepEqual(await erase('file:/x'), { erased: 1, postponed: 0 })

  t.deepEqual(await texts(db), [])
})

for (const state of ['delivered', 'superseded', 'dead'] as const) {
  test(`text waits for a pending delivery, and goes when it is ${state}`, async (t) => {
    const { db, feed, erase } = await setUp(t)
    await publish(db, feed, said(1, 1, secret))
    await retract(db, feed, deleted(1, 2))
    await reach(db, 'http', 2)
    const place = { sink: 'http', workspaceId: 'w1', sequence: 2, ticketId: 1 }
    await db
      .insertInto('delivery')
      .values({ ...place, integrationId: feed.integrationId })
      .execute()

    t.deepEqual(await erase('http'), { erased: 0, postponed: 1 })
    await db.updateTable('delivery').set({ state, settledAt: new Date() }).execute()
    await passTime(db)

    t.deepEqual(await erase('http'), { erased: 1, postponed: 0 })
  })
}

test('what a receiver does not take is looked at less and less often', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, secret), said(2, 1, secret))
  await retract(db, feed, deleted(1, 2))
  await retract(db, feed, deleted(2, 2))
  await sql`update erasure set changed_at = now() - ticket_id * interval '3 minutes',
    due_at = now()`.execute(db)

  t.deepEqual(await erase('http'), { erased: 0, postponed: 2 })

  const { rows } = await sql<{ minutes: number }>`
    select round(extract(epoch from due_at - now()) / 60)::float8 as minutes from erasure
    order by ticket_id`.execute(db)
  t.deepEqual(
    rows.map(({ minutes }) => minutes),
    [3, 6],
  )
  await passTime(db)
  await retract(db, feed, deleted(1, 3))
  const { dueAt } = await db
    .selectFrom('erasure')
    .select('dueAt')
    .where('ticketId', '=', 1)
    .executeTakeFirstOrThrow()
  t.true(dueAt.toMillis() <= Date.now() + 1_000, 'a newer revision is due at once')
})

test('more than a batch is erased in one go, by two at once as well', async (t) => {
  const { db, feed, erase } = await setUp(t)
  const tickets = Array.from({ length: 250 }, (_, index) => index + 1)
  await publish(db, feed, ...tickets.map((ticketId) => said(ticketId, 1, secret)))
  for (const ticketId of tickets.slice(1)) await retract(db, feed, deleted(ticketId, 2))

  const counts = await Promise.all([erase(), erase()])

  t.is(
    counts.reduce((sum, { erased }) => sum + erased, 0),
    249,
  )
  t.deepEqual(await texts(db), ['1/1'])
})

test('a revision that is written while its transcript is looked at waits for the look', async (t) => {
  const { db, feed, erase } = await setUp(t)
  await publish(db, feed, said(1, 1, secret))
  await publish(db, feed, said(1, 2, hello))
  const look = await db.startTransaction().execute()
  const keys = await claimErasures(look, 10)

  const publishing = publish(db, feed, said(1, 3, hello, thanks))
  const during = await readHeads(look, keys, [])
  t.deepEqual(
    during.map(({ revision }) => revision),
    [2],
  )
  await look.rollback().execute()
  await publishing

  t.deepEqual(await erase(), { erased: 1, postponed: 0 })
  t.deepEqual(await texts(db), ['1/2', '1/3'])
})

test('a file that is behind comes up through many erased entries in one pass', async (t) => {
  const { db, feed } = await setUp(t)
  const tickets = Array.from({ length: 600 }, (_, index) => said(index + 1, 1, secret))
  await publish(db, feed, ...tickets, said(1_000, 1, hello))
  await db.deleteFrom('transcriptRevision').where('ticketId', '<', 1_000).execute()

  t.like(await appendOnce({ db, sink: 'file', path: '/dev/null' }, never), { appended: 601 })
})

for (const fate of ['breaks before', 'breaks after'] as const) {
  test(`a pass whose commit ${fate} it ends changes nothing in the end`, async (t) => {
    const { db, url, feed } = await setUp(t)
    await prepare(db, feed)
    let broken = 0
    const fateOf = (statements: readonly string[]): Fate => {
      if (statements.at(-1) !== 'commit' || broken === 3) return 'passes'
      broken += 1
      return fate
    }
    const proxy = await startPostgresProxy(t, url, { fateOf })
    const fragile = connect(proxy.url)
    t.teardown(() => fragile.destroy())

    for (let pass = 0; pass < 5; pass++) {
      await eraseOnce({ db: fragile, sinks: [] }, never).catch(() => {})
    }

    t.is(broken, 3)
    t.deepEqual(await texts(db), ['1/1', '1/2', '2/2', '4/1'])
    t.is(await noted(db), 0)
  })
}

async function prepare(db: Kysely<Database>, feed: Feed): Promise<void> {
  const all = [said(1, 1, hello), said(2, 1, secret), said(3, 1, secret), said(4, 1, secret)]
  await publish(db, feed, ...all)
  await publish(db, feed, said(1, 2, hello, thanks), said(2, 2, hello))
  await retract(db, feed, deleted(3, 2))
}

test('looking for what is due asks an index, however many transcripts there are', async (t) => {
  const { db, url, feed } = await setUp(t)
  await sql`
    insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
    select ${feed.integrationId}::uuid, n, 'w1', 1, 'live', '' from generate_series(1, 20000) n
  `.execute(db)
  await sql`insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id,
      revision, content_hash)
    select 'w1', n, 'pub_' || n, 'transcript.published', ${feed.integrationId}::uuid, n, 1, ''
    from generate_series(1, 20000) n`.execute(db)
  await sql`update feed set last_sequence = 20000`.execute(db)
  await sql`insert into erasure select integration_id, ticket_id, 1, now(), now() + interval '1 hour'
    from transcript where ticket_id > 5000`.execute(db)
  await retract(db, feed, deleted(7, 2))
  await sql`analyze transcript, erasure, outbox_entry`.execute(db)

  const plans = await plansOf(url, async (transaction) => {
    // What is handed in is a transaction: it is rolled back in the end.
    const trx = transaction as Transaction<Database>
    const keys = await claimErasures(trx, 100)
    const [head] = await readHeads(trx, keys, ['http', 'file'])
    t.like(head, { ticketId: 7, revision: 2, isLive: false, isDelivered: false })
    await readRevisionBelow(trx, head!, 2)
    await postponeErasures(trx, keys)
    await eraseAll(trx, keys)
    await endErasures(trx, keys)
  })

  t.is(plans.length, 6)
  for (const plan of plans) t.notRegex(plan, /Seq Scan on (?!sink_position|delivery)/, plan)
})
