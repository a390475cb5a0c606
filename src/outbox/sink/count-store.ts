import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'

export interface Backlog {
  /** The name that deliveries are kept under. */
  readonly sink: string
  readonly pending: number
  readonly oldestPendingAt: DateTime | null
  readonly dead: number
}

/** What waits and what was given up, by sink, out of the two indexes of just these deliveries. */
export async function countBacklogs(db: Kysely<Database>): Promise<Backlog[]> {
  const { rows } = await sql<Backlog>`
    select name as sink, coalesce(waiting.pending, 0) as pending,
      waiting.oldest as "oldestPendingAt", coalesce(given_up.dead, 0) as dead
    from sink
    left join (
      select sink, count(*) as pending, min(created_at) as oldest from delivery
      where state = 'pending' group by sink) waiting on waiting.sink = sink.name
    left join (
      select sink, count(*) as dead from delivery
      where state = 'dead' group by sink) given_up on given_up.sink = sink.name
    where sink.state <> 'deleted'
    order by name`.execute(db)
  return rows
}
