import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import type { Plan, SyncDay } from '../../db/schema.ts'
import { changeWorkspaceOnce } from '../../src/admin/change-workspace-once.ts'
import { flagErrored, markConnected, lockIntegration } from '../../src/integration/store.ts'
import { scheduleOnce } from '../../src/schedule/schedule-once.ts'
import { lockWorkspace, saveSettings } from '../../src/workspace/store.ts'
import { testDatabase } from '../support/database.ts'
import {
  aScheduledIntegration,
  aScheduledWorkspace,
  setStatus,
  slotsOf,
} from '../support/scheduled-rows.ts'
import { at } from '../support/zendesk-rows.ts'

const TIME_UTC = '04:00'

/** One integration, first consented to on Wednesday the 4th of March 2026, right after its slot. */
async function aService(
  t: ExecutionContext,
  { plan = 'pro', syncDay = 'monday' }: { plan?: Plan; syncDay?: SyncDay } = {},
) {
  const { db } = await testDatabase(t)
  const since = '2026-03-04T05:00Z'
  const workspaceId = await aScheduledWorkspace(db, { plan, syncDay, since })
  const id = await aScheduledIntegration(db, workspaceId, { from: since })
  return {
    db,
    id,
    workspaceId,
    pass: (now: string) => scheduleOnce(db, { timeUtc: TIME_UTC, now: at(now) }),
    change: (now: string, settings: { plan?: Plan; syncDay?: SyncDay }) => {
      const clock = () => Promise.resolve(at(now))
      return changeWorkspaceOnce({ db, clock, timeUtc: TIME_UTC }, workspaceId, settings)
    },
    slots: async () => (await slotsOf(db, id)).map((slot) => slot.slice(0, 16)),
  }
}

test('a slot becomes one run of kind sync that goes on from the cursor', async (t) => {
  const { db, pass, id } = await aService(t)
  const generatedAt = at('2026-03-04T07:30Z').toJSDate()
  await db.updateTable('cursor').set({ generatedAt }).execute()

  t.deepEqual(await pass('2026-03-05T03:59:59Z'), { runs: 0 })
  t.deepEqual(await pass('2026-03-05T04:00:10Z'), { runs: 1 })
  t.deepEqual(await pass('2026-03-05T04:01Z'), { runs: 0 })
  t.deepEqual(await pass('2026-03-06T03:59Z'), { runs: 0 })

  const runs = await db.selectFrom('run').selectAll().execute()
  t.is(runs.length, 1)
  t.like(runs[0], { integrationId: id, kind: 'sync', state: 'queued', attempts: 0 })
  t.is(runs[0]?.slot?.toISO(), '2026-03-05T04:00:00.000Z')
  t.is(runs[0]?.windowFrom.toISO(), '2026-03-04T07:30:00.000Z')
  t.is(runs[0]?.resumeAt.toISO(), '2026-03-05T04:00:00.000Z')
})

test('a cursor that has seen nothing yet is read from its start', async (t) => {
  const { db, pass } = await aService(t)

  await pass('2026-03-05T04:00Z')

  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  t.is(run.windowFrom.toISO(), '2026-03-04T05:00:00.000Z')
})

test('of the slots that were missed the newest one is made up for, and starts at once', async (t) => {
  const { db, pass, slots } = await aService(t)

  await pass('2026-03-09T13:00Z')

  t.deepEqual(await slots(), ['2026-03-09T04:00'])
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  t.is(run.resumeAt.toISO(), '2026-03-09T12:59:00.000Z')
  t.deepEqual(await pass('2026-03-09T13:01Z'), { runs: 0 })
})

test('a clock that was set back makes no run again, and none of what was passed over', async (t) => {
  const { pass, slots } = await aService(t)
  await pass('2026-03-09T13:00Z')

  for (const now of ['2026-03-09T12:00Z', '2026-03-07T12:00Z', '2026-03-01T12:00Z']) {
    t.deepEqual(await pass(now), { runs: 0 }, now)
  }
  t.deepEqual(await slots(), ['2026-03-09T04:00'])
})

test('a run that has not started, or still runs, does not keep the next slot from its own', async (t) => {
  const { db, id, pass, slots } = await aService(t)
  const windowFrom = at('2026-01-01').toJSDate()
  const backfill = { integrationId: id, kind: 'backfill', state: 'running', windowFrom } as const
  await db.insertInto('run').values(backfill).execute()

  await pass('2026-03-05T04:00Z')
  await pass('2026-03-06T04:00Z')

  t.deepEqual(await slots(), ['2026-03-05T04:00', '2026-03-06T04:00'])
})

for (const status of ['paused', 'errored'] as const) {
  test(`an integration that is ${status} skips its slots and catches up with one sync`, async (t) => {
    const { db, id, pass, slots } = await aService(t)
    await setStatus(db, id, status)

    t.deepEqual(await pass('2026-03-05T04:00Z'), { runs: 0 })
    t.deepEqual(await pass('2026-03-08T04:00Z'), { runs: 0 })
    await setStatus(db, id, 'active')
    t.deepEqual(await pass('2026-03-08T12:00Z'), { runs: 1 })
    t.deepEqual(await pass('2026-03-08T12:01Z'), { runs: 0 })

    t.deepEqual(await slots(), ['2026-03-08T04:00'])
  })
}

test('a pause between two slots changes nothing', async (t) => {
  const { db, id, pass, slots } = await aService(t)
  await pass('2026-03-05T04:00Z')
  await setStatus(db, id, 'paused')
  await pass('2026-03-05T12:00Z')
  await setStatus(db, id, 'active')

  t.deepEqual(await pass('2026-03-05T13:00Z'), { runs: 0 })
  t.deepEqual(await slots(), ['2026-03-05T04:00'])
})

test('what was skipped in a pause is made up for, also if the plan was changed in it', async (t) => {
  const { db, id, pass, change, slots } = await aService(t)
  await setStatus(db, id, 'paused')
  await change('2026-03-06T12:00Z', { plan: 'starter', syncDay: 'sunday' })
  await pass('2026-03-06T12:01Z')
  await setStatus(db, id, 'active')

  await pass('2026-03-07T12:00Z')
  await pass('2026-03-08T03:59Z')
  t.deepEqual(await slots(), ['2026-03-06T04:00'])
  await pass('2026-03-08T04:00Z')
  t.deepEqual(await slots(), ['2026-03-06T04:00', '2026-03-08T04:00'])
})

test('a slot that was due before the plan changed still runs, once', async (t) => {
  const { pass, change, slots } = await aService(t)

  await change('2026-03-05T12:00Z', { plan: 'starter', syncDay: 'tuesday' })
  await pass('2026-03-05T13:00Z')
  await change('2026-03-05T14:00Z', { plan: 'pro' })
  await pass('2026-03-05T15:00Z')

  t.deepEqual(await slots(), ['2026-03-05T04:00'])
})

test('a new day counts from its next slot, also where it lies before the old one', async (t) => {
  const { pass, change, slots } = await aService(t, { plan: 'starter', syncDay: 'friday' })

  await change('2026-03-05T12:00Z', { syncDay: 'thursday' })
  await pass('2026-03-06T12:00Z')
  t.deepEqual(await slots(), [])
  await pass('2026-03-12T04:00Z')
  t.deepEqual(await slots(), ['2026-03-12T04:00'])
})

test('a change of other settings, and of the day of a daily plan, moves no slot', async (t) => {
  const { db, pass, change, slots } = await aService(t)
  const before = await db.selectFrom('workspace').selectAll().executeTakeFirstOrThrow()

  await change('2026-03-05T03:00Z', {})
  const after = await db.selectFrom('workspace').selectAll().executeTakeFirstOrThrow()
  await change('2026-03-05T04:30Z', { syncDay: 'sunday' })
  await pass('2026-03-05T05:00Z')

  t.deepEqual(after.scheduledSince, before.scheduledSince)
  t.deepEqual(await slots(), ['2026-03-05T04:00'])
})

test('a pass that meets a change of the plan does not make a slot of the old one', async (t) => {
  const { db, workspaceId, pass } = await aService(t)
  const changing = await db.startTransaction().execute()
  const { filters, ...settings } = await lockWorkspace(changing, workspaceId)
  await saveSettings(changing, workspaceId, {
    ...settings,
    filters,
    plan: 'starter',
    scheduledSince: at('2026-03-05T03:59:59Z'),
    earlierSlot: null,
  })

  const passing = pass('2026-03-05T04:00Z')
  for (;;) {
    const { rows } = await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    if (rows.length > 0) break
  }
  await changing.commit().execute()

  t.deepEqual(await passing, { runs: 0 })
  t.deepEqual(await pass('2026-03-05T04:01Z'), { runs: 0 })
})

test('slots begin with the first consent, and a second one begins nothing anew', async (t) => {
  const { db, workspaceId, pass } = await aService(t)
  const id = await aScheduledIntegration(db, workspaceId, { from: null, subdomain: 'other' })
  const consent = () =>
    db.transaction().execute(async (trx) => {
      const integration = await lockIntegration(trx, id)
      if (integration !== undefined) await markConnected(trx, integration, 1)
    })
  const scheduledFrom = async () => {
    const rows = db.selectFrom('integration').select('scheduledFrom').where('id', '=', id)
    return (await rows.executeTakeFirstOrThrow()).scheduledFrom
  }
  await pass('2026-03-05T04:00Z')
  t.is(await scheduledFrom(), null)

  await consent()
  const first = await scheduledFrom()
  await flagErrored(db, id, { code: 'credentials_revoked', message: 'revoked' })
  await consent()

  t.true(first !== null && Math.abs(first.diffNow().as('seconds')) < 600)
  t.deepEqual(await scheduledFrom(), first)
  t.deepEqual(await slotsOf(db, id), [])
  await pass(first?.plus({ days: 1 }).toISO() ?? '')
  t.is((await slotsOf(db, id)).length, 1)
})

test('what is not connected gets no run', async (t) => {
  const { db, id, pass } = await aService(t)
  await setStatus(db, id, 'disconnected')

  t.deepEqual(await pass('2026-03-05T04:00Z'), { runs: 0 })
})
