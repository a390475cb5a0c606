import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { openBoss } from '../src/platform/boss.ts'
import { setLogLevel } from '../src/platform/log.ts'
import { scheduleCron, scheduleQueue } from '../src/queues.ts'
import { runScheduler } from '../src/scheduler.ts'
import { testDatabase } from './support/database.ts'
import { aScheduledIntegration, aScheduledWorkspace, slotsOf } from './support/scheduled-rows.ts'
import { until } from './support/truth.ts'

const YESTERDAY = new Date(Date.now() - 26 * 3_600_000).toISOString()

async function aService(t: ExecutionContext) {
  setLogLevel('silent')
  const { db, url } = await testDatabase(t)
  const boss = await openBoss(url, { maintain: false })
  t.teardown(() => boss.stop({ graceful: false }))
  const workspaceId = await aScheduledWorkspace(db, { plan: 'pro', since: YESTERDAY })
  const id = await aScheduledIntegration(db, workspaceId, { from: YESTERDAY })
  /** Another scheduler, until the test ends. */
  const start = (timeUtc: string): void => {
    const stop = new AbortController()
    const ended = runScheduler({ db, boss, timeUtc }, stop.signal)
    t.teardown(async () => {
      stop.abort()
      await ended
    })
  }
  const crons = async () => {
    const { rows } = await sql<{ name: string; cron: string; timezone: string }>`
      select name, cron, timezone from pgboss.schedule`.execute(db)
    return rows
  }
  return { db, boss, id, start, crons }
}

test('the queue is told the time of the slots, and a new time replaces it', async (t) => {
  const { start, crons } = await aService(t)

  start('04:00')
  await until(async () => (await crons()).length > 0)
  t.deepEqual(await crons(), [{ name: 'schedule', cron: '0 4 * * *', timezone: 'UTC' }])
  start('23:05')
  await until(async () => (await crons())[0]?.cron !== '0 4 * * *')

  t.deepEqual(await crons(), [{ name: 'schedule', cron: '5 23 * * *', timezone: 'UTC' }])
})

test('what was missed while nobody was there becomes a run at the start', async (t) => {
  const { db, id, start } = await aService(t)

  start('04:00')
  start('04:00')
  await until(async () => (await slotsOf(db, id)).length > 0)

  t.is((await slotsOf(db, id)).length, 1)
})

test('a job of the queue makes the pass at once', async (t) => {
  const { db, boss, id, start } = await aService(t)
  start('04:00')
  await until(async () => (await slotsOf(db, id)).length > 0)
  await db.deleteFrom('run').execute()

  await boss.send(scheduleQueue.name, null)
  await until(async () => (await slotsOf(db, id)).length > 0)

  t.is((await slotsOf(db, id)).length, 1)
})

test('the time of the slots as a cron', (t) => {
  t.is(scheduleCron('04:00'), '0 4 * * *')
  t.is(scheduleCron('00:00'), '0 0 * * *')
  t.is(scheduleCron('23:59'), '59 23 * * *')
})
