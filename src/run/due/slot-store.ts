import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, Plan, SyncDay } from '../../../db/schema.ts'

/** The newest slot of each plan and day by the calendar. */
export interface LatestSlot {
  readonly plan: Plan
  readonly syncDay: SyncDay
  readonly slot: DateTime
}

/**
 * Half an hour for up to ten thousand runs, and for more of them as well: about six start each
 * second, so that neither Zendesk nor the database meets all of them at once, while a handful starts
 * together.
 */
const SPREAD = '30 minutes'
const SPREAD_OVER = 10_000

/**
 * Turns slots that are due into runs, all integrations in one statement, and answers how many runs
 * it made. Of each integration only the newest slot counts, only if it came due after the first
 * consent, and only if no run has it or a later one.
 *
 * Whoever expects the most work is first, in turns: the largest integration of each workspace, then
 * the second largest of each, so that many of one workspace hold up no other.
 *
 * Two at once do no harm: the slot is unique, and the rows are inserted in the same order by both.
 * A workspace whose plan is being changed is waited for and judged by what it has become.
 */
export async function insertDueSlots(
  db: Kysely<Database>,
  latest: readonly LatestSlot[],
  now: DateTime,
): Promise<number> {
  const plans = latest.map(({ plan }) => plan)
  const days = latest.map(({ syncDay }) => syncDay)
  const slots = latest.map(({ slot }) => slot.toJSDate())
  const { numAffectedRows } = await sql`
    with due as materialized (
      select integration.id, integration.workspace_id, integration.scheduled_from, newest.slot
      from unnest(${plans}::text[], ${days}::text[], ${slots}::timestamptz[])
        as latest (plan, sync_day, slot)
      join workspace on workspace.plan = latest.plan and workspace.sync_day = latest.sync_day
      join integration on integration.workspace_id = workspace.id
      cross join lateral (
        select case when latest.slot > workspace.scheduled_since
          then latest.slot else workspace.earlier_slot end as slot
      ) newest
      where integration.status = 'active'
        and newest.slot > integration.scheduled_from
        and newest.slot > coalesce(
          (select max(run.slot) from run where run.integration_id = integration.id), '-infinity')
      for share of workspace
    ), sized as (
      select due.*, coalesce(
        (select tickets_seen from run
          where run.integration_id = due.id and run.slot is not null and run.state = 'done'
          order by run.slot desc limit 1),
        (select tickets_seen from run
          where run.integration_id = due.id and run.kind = 'backfill'
          order by run.created_at limit 1),
        0) as expected
      from due
    ), turns as (
      select sized.*,
        row_number() over (partition by workspace_id order by expected desc, id) as turn
      from sized
    ), placed as (
      select turns.*, row_number() over (order by turn, expected desc, id) - 1 as place,
        count(*) over () as places
      from turns
    )
    insert into run (integration_id, kind, slot, window_from, resume_at)
    select placed.id, 'sync', placed.slot,
      coalesce(cursor.generated_at, cursor.start_at, placed.scheduled_from),
      greatest(placed.slot, ${now.toJSDate()}::timestamptz - interval '1 minute')
        + placed.place * (${SPREAD}::interval / greatest(${SPREAD_OVER}::int, placed.places))
    from placed
    left join cursor on cursor.integration_id = placed.id and cursor.stream = 'tickets'
    order by placed.id
    on conflict (integration_id, slot) do nothing`.execute(db)
  return Number(numAffectedRows ?? 0)
}
