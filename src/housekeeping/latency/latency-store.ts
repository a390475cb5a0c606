import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'

export type LatencyName = 'hint_to_publication' | 'slot_to_done'

/** Bounds of the buckets in seconds: what was promised (two minutes, a day) is one of them. */
const BOUNDS: Readonly<Record<LatencyName, readonly number[]>> = {
  hint_to_publication: [5, 15, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400, 604_800],
  slot_to_done: [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 604_800],
}

/** Transactions that have ended a hint or a run are far shorter, so that all of them show by then. */
const LAG = '1 minute'

export interface Span {
  readonly after: Date
  readonly through: Date
}

/** How far it is measured, held until the transaction ends; undefined while another worker measures. */
export async function lockProgress(
  trx: Transaction<Database>,
  name: LatencyName,
): Promise<Date | undefined> {
  await trx
    .insertInto('latencyProgress')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await trx
    .selectFrom('latencyProgress')
    .select('measuredThrough')
    .where('name', '=', name)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  return row?.measuredThrough.toJSDate()
}

/** Until when there are about so many ended ones, in whole milliseconds, which a `Date` holds. */
export async function findThrough(
  trx: Transaction<Database>,
  name: LatencyName,
  { after, limit }: { readonly after: Date; readonly limit: number },
): Promise<{ through: Date; isMore: boolean }> {
  const ended =
    name === 'hint_to_publication'
      ? sql`select settled_at as at from hint where settled_at > ${after}`
      : sql`select finished_at as at from run where state = 'done' and finished_at > ${after}`
  const { rows } = await sql<{ through: DateTime; isMore: boolean }>`
    select date_trunc('milliseconds', least(newest, nth)) as through,
      coalesce(nth < newest, false) as "isMore"
    from (
      select now() - ${LAG}::interval as newest,
        (select at + interval '1 millisecond' from (${ended}) ended
          order by at offset ${limit} limit 1) as nth
    ) span`.execute(trx)
  const [row] = rows
  return { through: row?.through.toJSDate() ?? after, isMore: row?.isMore ?? false }
}

/**
 * Adds the hints that have ended with news: from when one came in to the first publication of its
 * ticket after that. What was published before its hint came in is no merit of the hint.
 */
export async function addHints(trx: Transaction<Database>, span: Span): Promise<number> {
  return await add(
    trx,
    'hint_to_publication',
    sql`
      select extract(epoch from entry.published_at - hint.received_at)::float8 as seconds
      from hint
      cross join lateral (
        select published_at from outbox_entry
        where outbox_entry.integration_id = hint.integration_id
          and outbox_entry.ticket_id = hint.ticket_id
          and outbox_entry.published_at between hint.received_at and hint.settled_at
        order by outbox_entry.revision limit 1) entry
      where hint.settled_at > ${span.after} and hint.settled_at <= ${span.through}
        and hint.outcome <> 'moot'`,
  )
}

/** Adds the runs of slots that are done. */
export async function addSlots(trx: Transaction<Database>, span: Span): Promise<number> {
  return await add(
    trx,
    'slot_to_done',
    sql`
      select extract(epoch from finished_at - slot)::float8 as seconds from run
      where state = 'done' and slot is not null
        and finished_at > ${span.after} and finished_at <= ${span.through}`,
  )
}

async function add(
  trx: Transaction<Database>,
  name: LatencyName,
  observations: ReturnType<typeof sql>,
): Promise<number> {
  const { rows } = await sql<{ observed: number }>`
    with observed as materialized (${observations}), bucket as (
      select le, lag(le, 1, '-infinity') over (order by le) as above
      from unnest(${[...BOUNDS[name]]}::float8[] || 'infinity'::float8) le
    ), added as (
      insert into latency (name, le, observed, seconds)
      select ${name}, le, count(observed.seconds), coalesce(sum(observed.seconds), 0)
      from bucket left join observed on observed.seconds > above and observed.seconds <= le
      group by le
      on conflict (name, le) do update set observed = latency.observed + excluded.observed,
        seconds = latency.seconds + excluded.seconds
    )
    select count(*) as observed from observed`.execute(trx)
  return rows[0]?.observed ?? 0
}

export async function saveProgress(
  db: Kysely<Database>,
  name: LatencyName,
  measuredThrough: Date,
): Promise<void> {
  await db
    .updateTable('latencyProgress')
    .set({ measuredThrough })
    .where('name', '=', name)
    .execute()
}
