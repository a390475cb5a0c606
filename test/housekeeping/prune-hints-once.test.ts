import test from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { pruneHintsOnce } from '../../src/housekeeping/prune-hints-once.ts'
import type { IntegrationId } from '../../src/ids.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'

/** `PRUNED_HINTS=1000000` for what a service of this size deletes after a flood. */
const HINTS = Number(process.env['PRUNED_HINTS'] ?? 12_000)

const { signal } = new AbortController()

/** Settled hints, so many days old each; null: pending. */
function fill(db: Kysely<Database>, id: IntegrationId, count: number, daysAgo: number | null) {
  return sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, due_at,
      settled_at, outcome)
    select ${id}::uuid, gen_random_uuid(), n, 'comment_added', 'content', now(), now(),
      now() - make_interval(days => ${daysAgo}::int, secs => n % 60),
      case when ${daysAgo}::int is not null then 'confirmed' end
    from generate_series(1, ${count}::int) n`.execute(db)
}

async function left(db: Kysely<Database>): Promise<Record<string, number>> {
  const { rows } = await sql<{ pending: number; settled: number }>`
    select count(*) filter (where settled_at is null) as pending,
      count(settled_at) as settled from hint`.execute(db)
  return rows[0]!
}

test('hints go a week after they were settled, and pending ones never', async (t) => {
  t.timeout(10 * 60_000)
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  await fill(db, integrationId, HINTS, 8)
  await fill(db, integrationId, 30, 6)
  await fill(db, integrationId, 20, null)
  // What was there for a week has been looked at by the server.
  await sql`analyze hint`.execute(db)
  const startedAt = performance.now()

  t.deepEqual(await pruneHintsOnce({ db }, signal), { hints: HINTS })

  t.log(`${HINTS} settled hints deleted in ${Math.round(performance.now() - startedAt)} ms`)
  t.deepEqual(await left(db), { pending: 20, settled: 30 })
  t.deepEqual(await pruneHintsOnce({ db }, signal), { hints: 0 })
})

test('several workers share what is to be deleted', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  await fill(db, integrationId, 12_000, 8)

  const counts = await Promise.all([1, 2, 3].map(() => pruneHintsOnce({ db }, signal)))
  const rest = await pruneHintsOnce({ db }, signal)

  t.is(
    [...counts, rest].reduce((sum, { hints }) => sum + hints, 0),
    12_000,
  )
  t.deepEqual(await left(db), { pending: 0, settled: 0 })
})

test('a worker that is being stopped deletes nothing more', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  await fill(db, integrationId, 10, 8)

  t.deepEqual(await pruneHintsOnce({ db }, AbortSignal.abort()), { hints: 0 })
})
