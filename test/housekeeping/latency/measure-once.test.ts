import test from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { measureLatencyOnce } from '../../../src/housekeeping/latency/measure-once.ts'
import { testDatabase } from '../../support/database.ts'
import { aFeed } from '../../support/outbox-rows.ts'

const never = new AbortController().signal

test('each slot that is done counts once, in the bucket of its time', async (t) => {
  const { db } = await testDatabase(t)
  await endRuns(db, [30, 400, 400, 10_000_000])

  const first = await measureLatencyOnce(db, never)
  const second = await measureLatencyOnce(db, never)

  t.is(first.slots, 4)
  t.is(second.slots, 0)
  t.deepEqual(await bucketsOf(db, 'slot_to_done'), [
    { le: 60, observed: 1 },
    { le: 900, observed: 2 },
    { le: Number.POSITIVE_INFINITY, observed: 1 },
  ])
})

test('what was counted before is added to', async (t) => {
  const { db } = await testDatabase(t)
  const counted = { name: 'slot_to_done', le: 60, observed: 5, seconds: 10 }
  await db.insertInto('latency').values(counted).execute()
  await endRuns(db, [30])

  await measureLatencyOnce(db, never)

  t.deepEqual(await bucketsOf(db, 'slot_to_done'), [{ le: 60, observed: 6 }])
})

test('workers that measure at the same time count nothing twice', async (t) => {
  const { db } = await testDatabase(t)
  await endRuns(
    db,
    Array.from({ length: 50 }, () => 100),
  )

  await Promise.all([1, 2, 3, 4].map(() => measureLatencyOnce(db, never)))

  t.deepEqual(await bucketsOf(db, 'slot_to_done'), [{ le: 300, observed: 50 }])
})

test('a hint counts from when it came in to the publication that it led to', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await aFeed(db)
  const at = (seconds: number) => sql`now() - interval '1 hour' + ${seconds} * interval '1 second'`
  await publish(db, integrationId, [
    { ticketId: 1, at: at(20) },
    { ticketId: 2, at: at(-5) },
    { ticketId: 3, at: at(50) },
  ])
  await sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, received_at,
      due_at, settled_at, outcome)
    select ${integrationId}::uuid, event_id, ticket_id, 'comment_added', 'content', ${at(0)}, ${at(0)},
      ${at(0)}, ${at(60)}, outcome
    from (values ('in 20 s', 1, 'fetched'), ('known before', 2, 'confirmed'), ('in 50 s', 3, 'fetched'),
      ('without news', 1, 'moot'), ('never published', 4, 'confirmed'))
      row (event_id, ticket_id, outcome)`.execute(db)

  const { hints } = await measureLatencyOnce(db, never)

  t.is(hints, 2)
  t.deepEqual(await bucketsOf(db, 'hint_to_publication'), [
    { le: 30, observed: 1 },
    { le: 60, observed: 1 },
  ])
  const { rows } = await sql<{ seconds: number }>`
    select sum(seconds) as seconds from latency where name = 'hint_to_publication'`.execute(db)
  t.is(Math.round(rows[0]?.seconds ?? 0), 70)
})

test('what may still be committed beside it is left for the next pass', async (t) => {
  const { db } = await testDatabase(t)
  await endRuns(db, [30], '10 seconds')

  t.is((await measureLatencyOnce(db, never)).slots, 0)
})

/** The buckets with anything in them. */
async function bucketsOf(db: Kysely<Database>, name: string) {
  const rows = await db
    .selectFrom('latency')
    .select(['le', 'observed'])
    .where('name', '=', name)
    .orderBy('le')
    .execute()
  return rows.filter(({ observed }) => observed > 0)
}

/** Slots of an integration of its own that were done after so many seconds, a while ago. */
async function endRuns(
  db: Kysely<Database>,
  seconds: readonly number[],
  ago = '2 minutes',
): Promise<void> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from workspace`.execute(db)
  const { integrationId } = await aFeed(db, `w${rows[0]?.n}`)
  await sql`
    insert into run (integration_id, kind, slot, window_from, state, finished_at)
    select ${integrationId}::uuid, 'sync', ended - seconds * interval '1 second', now(), 'done', ended
    from (
      select seconds, now() - ${ago}::interval + n * interval '1 millisecond' as ended
      from unnest(${[...seconds]}::float8[]) with ordinality row (seconds, n)) row`.execute(db)
}

async function publish(
  db: Kysely<Database>,
  id: string,
  entries: readonly { readonly ticketId: number; readonly at: ReturnType<typeof sql> }[],
): Promise<void> {
  for (const [index, { ticketId, at }] of entries.entries()) {
    await sql`
      insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
      values (${id}, ${ticketId}, 'w1', 1, 'live', 'x')`.execute(db)
    await sql`
      insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id, revision,
        content_hash, published_at)
      values ('w1', ${index + 1}, ${`pub_${index}`}, 'transcript.published', ${id}, ${ticketId}, 1,
        'x', ${at})`.execute(db)
  }
}
