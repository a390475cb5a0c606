import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { Facts, SinkFacts, Some } from './facts.ts'
import { MOST_COUNTED, one, some } from './store.ts'

/** Of so many workspaces, those that are furthest behind, it is asked since when. */
const MOST_ASKED = 200

/**
 * What sinks have not come to yet: the last number given in a workspace less the one that the sink
 * has come to, so that no entry is counted, and when the first one beyond that was published.
 */
export async function readBehind(
  db: Kysely<Database>,
  sinks: readonly string[],
): Promise<Facts['behind']> {
  const { entries, oldestAt } = one(
    await sql<{ entries: number | null; oldestAt: DateTime | null }>`
      with receiver as (
        select sink.name, feed.workspace_id, feed.last_sequence, feed.pruned_through
        from sink join feed on feed.workspace_id = sink.workspace_id where sink.state = 'active'
        union all
        select own.name, feed.workspace_id, feed.last_sequence, feed.pruned_through
        from unnest(${sinks}::text[]) own (name) cross join feed
        where not exists (
          select from sink where sink.name = own.name and sink.state <> 'active')
      ), behind as (
        select receiver.workspace_id, last_sequence,
          greatest(coalesce(position.sequence, 0), pruned_through) as sequence
        from receiver left join sink_position as position
          on position.sink = receiver.name and position.workspace_id = receiver.workspace_id
        where last_sequence > greatest(coalesce(position.sequence, 0), pruned_through)
      )
      select (select sum(last_sequence - sequence)::bigint from behind) as entries,
        min(entry.published_at) as "oldestAt"
      from (
        select workspace_id, min(sequence) as sequence from behind
        group by workspace_id
        order by max(last_sequence - sequence) desc limit ${MOST_ASKED}) furthest
      cross join lateral (
        select published_at from outbox_entry
        where outbox_entry.workspace_id = furthest.workspace_id
          and outbox_entry.sequence > furthest.sequence
        order by outbox_entry.sequence limit 1) entry`.execute(db),
  )
  return { entries: entries ?? 0, oldestAt }
}

/** Of very many the oldest is that of those that are next. */
export async function readPendingDeliveries(db: Kysely<Database>): Promise<Facts['deliveries']> {
  const { count, retrying, oldestAt } = one(
    await sql<{ count: number; retrying: number; oldestAt: DateTime | null }>`
      select count(*) as count, count(*) filter (where attempts > 0) as retrying,
        min(created_at) as "oldestAt"
      from (
        select attempts, created_at from delivery where state = 'pending'
        order by sink, next_attempt_at limit ${MOST_COUNTED + 1}) waiting`.execute(db),
  )
  return { ...some(count), retrying, oldestAt }
}

export async function countDead(db: Kysely<Database>): Promise<Some> {
  const { count } = one(
    await sql<{ count: number }>`
      select count(*) as count from (
        select from delivery where state = 'dead'
        order by sink, settled_at limit ${MOST_COUNTED + 1}) dead`.execute(db),
  )
  return some(count)
}

/** What sinks are still to be given again, by how often that was asked for. */
export async function countReplays(db: Kysely<Database>): Promise<Some> {
  const { count } = one(
    await sql<{ count: number }>`
      select count(*) as count from (
        select from replay order by id limit ${MOST_COUNTED + 1}) replays`.execute(db),
  )
  return some(count)
}

/** Receivers by how they are, without those that are being deleted. */
export async function readSinks(db: Kysely<Database>): Promise<SinkFacts[]> {
  const { rows } = await sql<SinkFacts>`
    select case when state = 'active' and failing_since < now() - interval '1 hour' then 'failing'
        else state end as state,
      count(*) as count,
      (array_agg(coalesce(workspace_id || '/', '') || sink_id order by state_since))[1:5] as sinks
    from sink where state <> 'deleted' group by 1 order by 1`.execute(db)
  return rows
}
