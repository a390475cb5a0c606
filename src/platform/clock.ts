import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'

export type Clock = (db: Kysely<Database>) => Promise<DateTime>

/**
 * The clock of the database, the only one that all processes share. Inside a transaction too it is
 * the present instant, after every lock that was waited for.
 */
export const databaseClock: Clock = async (db) => {
  const { rows } = await sql<{ now: DateTime }>`select clock_timestamp() as now`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('the database did not tell its time')
  return row.now
}
