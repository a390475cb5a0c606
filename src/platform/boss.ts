import type { Kysely } from 'kysely'
import { PgBoss, fromKysely } from 'pg-boss'
import { DatabaseError } from './errors.ts'
import { within } from './lifecycle.ts'
import { log } from './log.ts'
import { FORGET_THE_DEAD } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { type QueueDefinition, hintsQueue, runQueue } from '../queues.ts'

/**
 * Opens pg-boss on connections of its own: sharing a pool with our transactions can deadlock, for a
 * send inside a transaction looks its queue up through the pool. `maintain` belongs to workers.
 */
export async function openBoss(url: string, options: { maintain: boolean }): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'hearflow-zendesk-queue',
    max: 4,
    options: FORGET_THE_DEAD,
    migrate: false,
    createSchema: false,
    supervise: options.maintain,
    schedule: options.maintain,
  })
  boss.on('error', (error) => log.warn({ err: error }, 'queue error'))
  try {
    await boss.start()
  } catch (cause) {
    throw new DatabaseError('the job queue is not installed: run "npm run release" first', {
      cause,
    })
  }
  return boss
}

/** A queue whose database is silent is left as it is: its jobs are wake-ups, the work is in rows. */
const CLOSING_MS = 3_000
/** For what is at its last statement; what takes longer is to be ended before. */
const LAST_JOBS_MS = 1_000

/** Takes no more jobs and closes the connections. */
export function closeBoss(boss: PgBoss): Promise<void> {
  return within(CLOSING_MS, boss.stop({ graceful: true, timeout: LAST_JOBS_MS }))
}

/**
 * Wakes the runs of these integrations: first the first of each workspace. Inside a transaction the
 * job appears with its commit. An integration that has a queued job already gets no second one.
 */
export async function wakeRuns(
  boss: PgBoss,
  db: Kysely<Database>,
  turns: readonly Woken[],
): Promise<void> {
  await sendJobs(boss, db, runQueue, turns)
  const hinted = turns.filter((turn) => turn.hinted)
  await sendJobs(boss, db, hintsQueue, hinted)
}

interface Woken {
  readonly integrationId: IntegrationId
  readonly turn: number
  readonly hinted: boolean
}

async function sendJobs(
  boss: PgBoss,
  db: Kysely<Database>,
  queue: QueueDefinition,
  turns: readonly Woken[],
): Promise<void> {
  if (turns.length === 0) return
  const jobs = turns.map(({ integrationId, turn }) => ({
    data: { integrationId },
    singletonKey: integrationId,
    priority: -turn,
  }))
  await boss.insert(queue.name, jobs, { db: fromKysely(db) })
}
