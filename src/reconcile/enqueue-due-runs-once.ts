import type { Kysely } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { Database } from '../../db/schema.ts'
import { wakeRuns } from '../platform/boss.ts'
import { integrationsWithDueRuns } from '../run/store.ts'

/**
 * Wakes runs whose instant has come and whose job may be lost: put off, left by a worker that died,
 * or never sent. More than this many are not needed at once, for each pass sends the next ones.
 */
const MOST_JOBS = 500

export async function enqueueDueRunsOnce(db: Kysely<Database>, boss: PgBoss): Promise<number> {
  const integrationIds = await integrationsWithDueRuns(db, MOST_JOBS)
  await wakeRuns(boss, db, integrationIds)
  return integrationIds.length
}
