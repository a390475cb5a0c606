import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'

/** So long a settled hint is kept for whoever asks why a ticket was looked at. */
const KEPT = '7 days'

/**
 * Deletes the hints that were settled first, at most so many, from an instant on; says until which one.
 * What another worker is deleting is passed over.
 */
export async function deleteSettledHints(
  db: Kysely<Database>,
  { from, limit }: { readonly from: Date | null; readonly limit: number },
): Promise<{ deleted: number; until: Date | null }> {
  const { rows } = await sql<{ deleted: number; until: DateTime | null }>`
    with old as materialized (
      select ctid, settled_at from hint
      where settled_at >= coalesce(${from}::timestamptz, '-infinity')
        and settled_at < now() - ${KEPT}::interval
      order by settled_at
      limit ${limit}
      for update skip locked
    ), gone as (
      delete from hint where ctid = any (array(select ctid from old))
      returning 1
    )
    select (select count(*) from gone) as deleted, (select max(settled_at) from old) as until`.execute(
    db,
  )
  const [{ deleted, until } = { deleted: 0, until: null }] = rows
  return { deleted, until: until?.toJSDate() ?? null }
}
