import test from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId } from '../../src/ids.ts'
import { dueTurnOf, dueTurns, findDueRun } from '../../src/run/due/due-store.ts'
import { scheduleOnce } from '../../src/schedule/schedule-once.ts'
import { testDatabase } from '../support/database.ts'
import { plansOf } from '../support/explain.ts'
import { at } from '../support/zendesk-rows.ts'

const INTEGRATIONS = 10_000
const WORKSPACES = 2_000
/** This many of the integrations belong to one workspace. */
const FLOOD = 2_000
const PAST_SLOTS = 6

const SLOT = '2026-03-10T04:00:00.000Z'
const pass = { timeUtc: '04:00', now: at('2026-03-10T04:00:20Z') }

/**
 * Ten thousand active integrations, one of whose two thousand workspaces has a fifth of them, with
 * their past runs. Each expects another number of tickets; every fifth only knows its import.
 */
async function aBusyService(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into workspace (id, plan, scheduled_since)
    select 'w' || n, case when n % 2 = 0 then 'pro' else 'enterprise' end, '2026-01-01'
    from generate_series(1, ${WORKSPACES}::int) n`.execute(db)
  await sql`
    insert into integration (workspace_id, subdomain, status, scheduled_from)
    select 'w' || case when n <= ${FLOOD}::int then 1 else 2 + (n * 7919) % ${WORKSPACES - 1}::int end,
      'a' || n, 'active', '2026-01-01'
    from generate_series(1, ${INTEGRATIONS}::int) n`.execute(db)
  await sql`insert into lease (integration_id) select id from integration`.execute(db)
  await sql`
    insert into cursor (integration_id, stream, start_at, generated_at, page_size)
    select id, 'tickets', '2026-01-01', '2026-03-01', 1000 from integration`.execute(db)
  const expected = sql`(substr(subdomain, 2)::int * 7919) % 10007`
  await sql`
    insert into run (integration_id, kind, window_from, state, finished_at, created_at, tickets_seen)
    select id, 'backfill', '2026-01-01', 'done', '2026-01-01', '2026-01-01', ${expected}
    from integration`.execute(db)
  await sql`
    insert into run (integration_id, kind, slot, window_from, state, finished_at, created_at, tickets_seen)
    select id, 'sync', slot, slot, 'done', slot, slot,
      case when slot = '2026-03-09T04:00Z' then ${expected} else 20000 - ${expected} end
    from integration, generate_series(
      timestamptz '2026-03-09T04:00Z' - make_interval(days => ${PAST_SLOTS - 1}::int),
      timestamptz '2026-03-09T04:00Z', '1 day') slot
    where substr(subdomain, 2)::int % 5 <> 0`.execute(db)
  await sql`analyze`.execute(db)
}

interface Placed {
  readonly workspaceId: string
  readonly resumeAt: number
  readonly expected: number
}

/** The new runs in the order in which they start. */
async function newRuns(db: Kysely<Database>): Promise<Placed[]> {
  const rows = await db
    .selectFrom('run')
    .innerJoin('integration', 'integration.id', 'run.integrationId')
    .select(['workspaceId', 'subdomain', 'resumeAt', 'slot', 'kind', 'windowFrom'])
    .where('state', '=', 'queued')
    .orderBy('resumeAt')
    .execute()
  return rows.map(({ workspaceId, subdomain, resumeAt, slot, kind, windowFrom }) => {
    if (slot?.toISO() !== SLOT || kind !== 'sync' || windowFrom.toISODate() !== '2026-03-01') {
      throw new Error('this is no run of the slot')
    }
    const expected = (Number(subdomain.slice(1)) * 7919) % 10007
    return { workspaceId, resumeAt: resumeAt.toMillis(), expected }
  })
}

test('a slot of ten thousand integrations becomes runs by one statement, and by no second one', async (t) => {
  const { db } = await testDatabase(t)
  await aBusyService(db)

  const startedAt = performance.now()
  const atOnce = await Promise.all([scheduleOnce(db, pass), scheduleOnce(db, pass)])
  t.log(`two passes at once: ${Math.round(performance.now() - startedAt)} ms`)
  const againAt = performance.now()
  const again = await scheduleOnce(db, pass)
  t.log(`a pass that finds nothing: ${Math.round(performance.now() - againAt)} ms`)

  t.is(
    atOnce.reduce((sum, { runs }) => sum + runs, 0),
    INTEGRATIONS,
  )
  t.deepEqual(again, { runs: 0 })
  t.is((await newRuns(db)).length, INTEGRATIONS)
})

test('their runs are spread over half an hour, largest first, and one workspace holds up no other', async (t) => {
  const { db } = await testDatabase(t)
  await aBusyService(db)

  const startedAt = performance.now()
  await scheduleOnce(db, pass)
  t.log(`one pass: ${Math.round(performance.now() - startedAt)} ms`)

  const runs = await newRuns(db)
  const slot = at(SLOT).toMillis()
  const minutes = runs.map(({ resumeAt }) => Math.floor((resumeAt - slot) / 60_000))
  t.deepEqual([minutes[0], minutes.at(-1)], [0, 29])
  for (let minute = 0; minute < 30; minute++) {
    const started = minutes.filter((it) => it === minute).length
    t.true(Math.abs(started - INTEGRATIONS / 30) <= 1, `${started} in minute ${minute}`)
  }
  // The first of each workspace, largest first, before the second of any.
  const firsts = runs.slice(0, WORKSPACES)
  t.is(new Set(firsts.map(({ workspaceId }) => workspaceId)).size, WORKSPACES)
  t.deepEqual(
    firsts,
    firsts.toSorted((a, b) => b.expected - a.expected),
  )
  const ofWorkspace = Map.groupBy(runs, ({ workspaceId }) => workspaceId)
  t.is(ofWorkspace.get('w1')?.length, FLOOD)
  for (const own of ofWorkspace.values()) {
    t.deepEqual(
      own,
      own.toSorted((a, b) => b.expected - a.expected),
    )
  }
})

test('no pass reads all runs, also with the statistics of before the slot', async (t) => {
  const { db, url } = await testDatabase(t)
  await aBusyService(db)
  const [id] = await db.selectFrom('integration').select('id').limit(1).execute()
  const integrationId = IntegrationId.parse(id?.id)
  const explain = async (pass: (explained: Kysely<Database>) => Promise<unknown>) => {
    const [plan = ''] = await plansOf(url, pass)
    t.notRegex(plan, /Seq Scan on run/, plan)
    return plan
  }

  const ofSlots = await explain((explained) => scheduleOnce(explained, pass))
  t.regex(ofSlots, /Index (Only )?Scan Backward using run_integration_id_slot_key/)
  await scheduleOnce(db, pass)
  await sql`update run set resume_at = now() where state = 'queued'`.execute(db)
  for (const statistics of ['old', 'new']) {
    if (statistics === 'new') await sql`analyze`.execute(db)
    t.regex(await explain((explained) => dueTurns(explained, 500)), /using run_next/)
    t.regex(await explain((explained) => dueTurnOf(explained, integrationId)), /using run_next/)
    t.regex(await explain((explained) => findDueRun(explained, integrationId)), /using run_next/)
  }
})

test('ten thousand that are due at once come in turns of the workspaces', async (t) => {
  const { db } = await testDatabase(t)
  await aBusyService(db)
  await scheduleOnce(db, pass)
  // The flood has waited longest.
  await sql`
    update run set resume_at = now() - case
      when workspace_id = 'w1' then interval '2 hours' else interval '1 hour' end
    from integration where integration.id = integration_id and run.state = 'queued'`.execute(db)

  const startedAt = performance.now()
  const turns = await dueTurns(db, 2_500)
  t.log(`turns of ten thousand: ${Math.round(performance.now() - startedAt)} ms`)

  const rows = await db.selectFrom('integration').select(['id', 'workspaceId']).execute()
  const workspaceOf = new Map(rows.map((row) => [row.id, row.workspaceId]))
  const workspaces = turns.map((it) => workspaceOf.get(it.integrationId))
  t.is(new Set(workspaces.slice(0, WORKSPACES)).size, WORKSPACES)
  t.is(workspaces[0], 'w1')
  t.deepEqual(turns.map(({ turn }) => turn).slice(1_999, 2_001), [1, 2])
  const ofOther = await dueTurnOf(db, IntegrationId.parse(turns[1]?.integrationId))
  t.true(ofOther.length === 1 && (ofOther[0]?.turn ?? 0) < 20)
})
