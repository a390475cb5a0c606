import { type Kysely, sql } from 'kysely'
import type { Database, SinkState } from '../../../db/schema.ts'
import { WorkspaceId } from '../../ids.ts'
import type { SinkRow } from './store.ts'
import { ENVIRONMENT_SINK, type SinkTerms } from './terms.ts'

/** A sink that something is to be done for. */
export interface DueSink extends SinkTerms {
  /** `null`: it takes those of every workspace. */
  readonly workspaceId: WorkspaceId | null
  readonly version: number
  readonly state: SinkState
  /** With its secrets sealed. */
  readonly row: SinkRow
}

/**
 * The sinks that something is to be done for, in any order, in one statement however many there are:
 * those with a delivery that is due, with entries beyond their position or with a replay, and those
 * that do not send any more and have something left to be ended. The first part goes from sink to sink
 * in the index of what is pending, so that it costs as much as there are sinks that wait for something,
 * whatever the number of deliveries.
 */
export async function findDueSinks(
  db: Kysely<Database>,
  options: { readonly except: readonly string[]; readonly limit: number },
): Promise<DueSink[]> {
  const { rows } = await sql<SinkRow>`
    with recursive waiting (sink, due_at) as (
      (select sink, next_attempt_at from delivery where state = 'pending'
       order by sink, next_attempt_at limit 1)
      union all
      select next.sink, next.next_attempt_at from waiting, lateral (
        select sink, next_attempt_at from delivery
        where state = 'pending' and sink > waiting.sink
        order by sink, next_attempt_at limit 1) as next
    ), due (name) as (
      select sink.name from waiting join sink on sink.name = waiting.sink
      where waiting.due_at <= now() or sink.state <> 'active'
      union
      select sink.name from sink
      join feed on feed.workspace_id = sink.workspace_id
      join sink_position as position
        on position.sink = sink.name and position.workspace_id = sink.workspace_id
      where sink.state = 'active' and feed.last_sequence > position.sequence
      union
      select ${ENVIRONMENT_SINK}::text from feed
      left join sink_position as position
        on position.sink = ${ENVIRONMENT_SINK} and position.workspace_id = feed.workspace_id
      where feed.last_sequence > coalesce(position.sequence, 0)
      union
      select replay.sink from replay join sink on sink.name = replay.sink
      where sink.state = 'active'
      union
      select name from sink where state = 'deleted'
    )
    select sink.* from sink join due using (name)
    where (sink.state <> 'active' or sink.held_until is null or sink.held_until <= now())
      and name <> all(${options.except}::text[])
      and (state <> 'stopped' and state <> 'off' or exists (
        select from delivery where delivery.sink = sink.name and delivery.state = 'pending'
          and (claimed_until is null or claimed_until <= now()) offset 0))
    order by random() limit ${options.limit}`.execute(db)
  return rows.map(toDueSink)
}

export function toDueSink(row: SinkRow): DueSink {
  return {
    name: row.name,
    workspaceId: row.workspaceId === null ? null : WorkspaceId.parse(row.workspaceId),
    types: row.types,
    allRevisions: row.allRevisions,
    version: row.version,
    state: row.state,
    row,
  }
}
