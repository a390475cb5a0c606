import type { Kysely } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { Database } from '../../db/schema.ts'
import { wakeRuns } from '../platform/boss.ts'
import { insertHintRuns } from '../run/due/hint-run-store.ts'
import { dueTurns } from '../run/due/due-store.ts'

/**
 * Turns hints that are due into runs, and wakes runs whose instant has come and whose job may be lost:
 * put off, left by a worker that died, or never sent. More than this many are not needed at once, for
 * each pass sends the next ones.
 */
const MOST_JOBS = 500

export async function enqueueDueRunsOnce(db: Kysely<Database>, boss: PgBoss): Promise<number> {
  await insertHintRuns(db)
  const turns = await dueTurns(db, MOST_JOBS)
  await wakeRuns(boss, db, turns)
  return turns.length
}
