import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'

/** So few are added up in no time. */
const FEW = 1_000

/** More than all workers of a large service make between two rounds. */
const MOST = 50_000

/**
 * Makes few rows of the tally out of many, in one statement: whoever looks sees either. What another
 * worker is at is left to it, and what is added meanwhile to the next round.
 */
export async function foldTally(
  db: Kysely<Database>,
  few: number = FEW,
): Promise<{ folded: number }> {
  const { rows } = await sql<{ folded: number }>`
    with many as materialized (
      select count(*) > ${few} as are from (select from tally limit ${few + 1}) as counted
    ), chosen as materialized (
      select tally.id from tally where (select are from many)
      order by tally.id limit ${MOST} for update skip locked
    ), taken as (
      delete from tally where id in (select id from chosen) returning what, outcome, counted
    ), folded as (
      insert into tally (what, outcome, counted)
      select what, outcome, sum(counted) from taken group by what, outcome
    )
    select count(*) as folded from taken`.execute(db)
  return { folded: rows[0]?.folded ?? 0 }
}
