import test, { type ExecutionContext } from 'ava'
import { DateTime } from 'luxon'
import { IntegrationId } from '../../../src/ids.ts'
import { isWorkedOn } from '../../../src/run/due/asked-store.ts'
import { scheduleOnce } from '../../../src/schedule/schedule-once.ts'
import { startSimulator } from '../../../src/simulator/start.ts'
import { asking } from '../../support/asking.ts'
import { startFrontDoor } from '../../support/front-door.ts'
import { importHalf } from '../../support/half-import.ts'
import { until, untilRunsEnd } from '../../support/truth.ts'
import { startTestWeb, stateOf } from '../../support/web.ts'

const DAY_MS = 86_400_000
const READ_TOKEN = 'a-token-that-may-only-read'
const NOBODY = '5d1f0b6e-6f3f-4f0e-9a64-2f1f3f3c0f11'

const actions = [
  ['POST', '/sync'],
  ['POST', '/backfill'],
  ['POST', '/pause'],
  ['POST', '/resume'],
  ['DELETE', ''],
  ['DELETE', '?purge=true'],
] as const

/** An account that has been imported as far as rows can tell: no run is open. */
async function imported(t: ExecutionContext, overrides: Record<string, string> = {}) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 3, days: 10 }],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const door = await startFrontDoor(t, simulator, { READ_TOKEN, ...overrides })
  const id = await door.connect('acme')
  const { db } = door
  const endRuns = () =>
    db.updateTable('run').set({ state: 'done', finishedAt: new Date() }).execute()
  await endRuns()
  return {
    ...door,
    simulator,
    id,
    path: `/admin/integrations/${id}`,
    ask: asking(door.api),
    endRuns,
  }
}

test('only an administrator may act, on what there is, and refusals change nothing', async (t) => {
  const { ask, db } = await startTestWeb(t, { READ_TOKEN })
  const before = await stateOf(db)

  for (const [method, action] of actions) {
    const path = `/admin/integrations/${NOBODY}${action}`
    for (const token of [null, 'wrong', READ_TOKEN]) {
      t.is((await ask(method, path, { token })).status, 401, `${method} ${action} as ${token}`)
    }
    const unknown = await ask(method, path)
    t.is(unknown.status, 404)
    t.is(unknown.at('error.code'), 'not_found')
    t.is((await ask(method, path.replace(NOBODY, 'no-id'))).status, 404)
  }
  t.deepEqual(await stateOf(db), before)
})

test('input that makes no sense is refused field by field, and changes nothing', async (t) => {
  const { ask, path, db } = await imported(t)
  const before = await stateOf(db)

  for (const days of [0, 3651, 1.5, '7', null, -1]) {
    const { status, json } = await ask('POST', `${path}/backfill`, { days })
    t.is(status, 422, String(days))
    t.deepEqual(json.error.details, ['days: expected a whole number of days from 1 to 3650'])
  }
  t.is((await ask('POST', `${path}/backfill`, { weeks: 1 })).status, 422)
  t.is((await ask('POST', `${path}/sync`, { now: true })).status, 422)
  t.is((await ask('POST', `${path}/pause`, { until: 'tomorrow' })).status, 422)
  t.is((await ask('POST', `${path}/resume`, [])).status, 422)
  t.is((await ask('DELETE', `${path}?purge=yes`)).status, 422)
  t.deepEqual(await stateOf(db), before)
})

test('a sync by hand is one run, and the next one has to wait', async (t) => {
  const { ask, path, db, endRuns } = await imported(t, { MANUAL_SYNC_COOLDOWN_SECONDS: '60' })

  const first = await ask('POST', `${path}/sync`)
  const second = await ask('POST', `${path}/sync`)

  t.is(first.status, 202)
  t.is(second.status, 429)
  t.is(second.json.error.code, 'too_soon')
  const retryAfter = Number(second.headers.get('retry-after'))
  t.true(retryAfter > 0 && retryAfter <= 60)
  const run = await db.selectFrom('run').selectAll().where('kind', '=', 'sync').executeTakeFirst()
  t.like(run, { id: first.json.run_id, state: 'queued', slot: null })

  const past = new Date(Date.now() - 61_000)
  await db.updateTable('integration').set({ manualSyncAt: past }).execute()
  const third = await ask('POST', `${path}/sync`)
  t.is(third.status, 409)
  t.is(third.json.error.code, 'already_running')
  t.is((await ask('POST', `${path}/backfill`)).json.error.code, 'already_running')
  await endRuns()
  t.is((await ask('POST', `${path}/sync`)).status, 202)
})

test('of many syncs asked for at once one becomes a run', async (t) => {
  const { ask, path } = await imported(t, { MANUAL_SYNC_COOLDOWN_SECONDS: '0' })

  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('POST', `${path}/sync`)))

  t.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [202, ...Array(7).fill(409)],
  )
})

test('a window is imported again beside the place of the syncs', async (t) => {
  const { ask, path, db } = await imported(t)
  const before = await db.selectFrom('cursor').selectAll().execute()

  const { status, json } = await ask('POST', `${path}/backfill`, { days: 7 })

  t.is(status, 202)
  const run = await db
    .selectFrom('run')
    .selectAll()
    .where('id', '=', json.run_id)
    .executeTakeFirstOrThrow()
  t.like(run, { kind: 'backfill', stream: 'window', state: 'queued' })
  t.true(Math.abs(run.windowFrom.toMillis() - (Date.now() - 7 * DAY_MS)) < 60_000)
  const cursors = await db.selectFrom('cursor').selectAll().orderBy('stream').execute()
  t.deepEqual([cursors[0]], before)
  t.like(cursors[1], { stream: 'window', afterCursor: null })
  t.is(cursors[1]?.startAt.toMillis(), run.windowFrom.toMillis())
})

test('pausing and resuming twice is the same as once', async (t) => {
  const { ask, path, db } = await imported(t)

  t.is((await ask('POST', `${path}/resume`)).json.status, 'active')
  const paused = await ask('POST', `${path}/pause`)
  const again = await ask('POST', `${path}/pause`)
  t.is(again.status, 200)
  t.is(again.json.status_since, paused.json.status_since)
  t.is(again.json.sync.next_slot, null)
  for (const action of ['/sync', '/backfill']) {
    t.is((await ask('POST', path + action)).json.error.code, 'not_active')
  }
  await ask('POST', `${path}/resume`)
  t.is((await ask('POST', `${path}/resume`)).json.status, 'active')
  const syncs = await db.selectFrom('run').selectAll().where('kind', '=', 'sync').execute()
  t.is(syncs.length, 1)
})

test('what waits for consent, or stands in an error, is neither paused nor resumed', async (t) => {
  const { ask, path, db } = await imported(t)
  const state = async (status: 'pending' | 'errored', errorCode: string | null) => {
    const fields = { status, errorCode, errorMessage: errorCode }
    await db.updateTable('integration').set(fields).execute()
  }

  await state('pending', null)
  for (const action of ['pause', 'resume', 'sync', 'backfill']) {
    const { status, json } = await ask('POST', `${path}/${action}`)
    t.is(`${status} ${json.error.code}`, '409 not_active')
    t.regex(json.error.message, /pending: open its authorize_url/)
  }
  await state('errored', 'credentials_revoked')
  for (const action of ['pause', 'resume', 'sync', 'backfill']) {
    const { status, json } = await ask('POST', `${path}/${action}`)
    t.is(`${status} ${json.error.code}`, '409 not_active')
    t.regex(json.error.message, /errored: see its error/)
  }
})

test('slots that a pause has skipped are made up for by one sync', async (t) => {
  const { ask, path, db, config } = await imported(t)
  await ask('POST', `${path}/pause`)
  const past = new Date(Date.now() - 5 * DAY_MS)
  await db.updateTable('integration').set({ scheduledFrom: past }).execute()
  await db.updateTable('workspace').set({ plan: 'pro', scheduledSince: past }).execute()
  const now = DateTime.utc()
  t.deepEqual(await scheduleOnce(db, { timeUtc: config.syncTimeUtc, now }), { runs: 0 })

  await ask('POST', `${path}/resume`)

  t.deepEqual(await scheduleOnce(db, { timeUtc: config.syncTimeUtc, now }), { runs: 0 })
  const syncs = await db.selectFrom('run').selectAll().where('kind', '=', 'sync').execute()
  t.is(syncs.length, 1)
  t.true(now.diff(syncs[0]!.slot!).as('hours') < 24)
})

test('a run under way stands still while its integration is paused, and is not lost', async (t) => {
  await using it = await importHalf(t)
  const ask = asking(it.api)
  const path = `/admin/integrations/${it.id}`

  t.is((await ask('POST', `${path}/pause`)).status, 200)
  const paused = await it.db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  const id = IntegrationId.parse(it.id)
  await until(async () => !(await isWorkedOn(it.db, id)))
  const still = await it.db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  t.is(still.ticketsSeen, paused.ticketsSeen, 'nothing is stored after the answer')
  t.like(still, { id: paused.id, state: 'waiting', finishedAt: null, attempts: 0 })

  t.is((await ask('POST', `${path}/resume`)).status, 200)
  const runs = await untilRunsEnd(it.db)
  t.is(runs.length, 1)
  t.like(runs[0], { id: paused.id, state: 'done' })
})
