import type { Kysely } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { Database } from '../db/schema.ts'
import { databaseClock } from './platform/clock.ts'
import { pause } from './platform/lifecycle.ts'
import { scheduleLog as log } from './platform/log.ts'
import { scheduleCron, scheduleQueue } from './queues.ts'
import { scheduleOnce } from './schedule/schedule-once.ts'

/**
 * How late a slot may be when the queue did not wake us for it, or when an integration has become
 * active again.
 */
const CATCH_UP_INTERVAL_MS = 60_000

export interface SchedulerDeps {
  readonly db: Kysely<Database>
  readonly boss: PgBoss
  readonly timeUtc: string
}

/**
 * Turns due slots into runs until the signal aborts: at once, when the queue's cron says so, and
 * every minute. Every worker does all of that, for the pass gives the same rows however often it is
 * done. The cron is written anew at each start, and with it a SYNC_TIME_UTC that has changed.
 */
export async function runScheduler(deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  let isWoken = false
  while (!signal.aborted) {
    await scheduleNow(deps)
    isWoken ||= await wakeByCron(deps)
    await pause(CATCH_UP_INTERVAL_MS, signal)
  }
}

async function wakeByCron(deps: SchedulerDeps): Promise<boolean> {
  const { boss, timeUtc } = deps
  try {
    await boss.schedule(scheduleQueue.name, scheduleCron(timeUtc), null, { tz: 'UTC' })
    await boss.work(scheduleQueue.name, { batchSize: 1 }, () => scheduleNow(deps))
    return true
  } catch (error) {
    log.warn(
      { err: error },
      'the queue could not be told the time of the slots, will be tried again',
    )
    return false
  }
}

async function scheduleNow({ db, timeUtc }: SchedulerDeps): Promise<void> {
  try {
    const startedAt = performance.now()
    const { runs } = await scheduleOnce(db, { timeUtc, now: await databaseClock(db) })
    const ms = Math.round(performance.now() - startedAt)
    if (runs > 0) log.info({ runs, ms }, 'slots turned into runs')
  } catch (error) {
    log.warn({ err: error }, 'due slots could not be turned into runs, will be tried again')
  }
}
