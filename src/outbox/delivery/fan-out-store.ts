import { type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { WorkspaceId } from '../../ids.ts'
import type { Position } from '../position-store.ts'
import type { SinkTerms } from '../sink/terms.ts'

/**
 * A sink that may refuse one publication and take the next has a delivery row for each of them:
 * fan-out makes the rows beyond the position, a claim lends one to a worker for a while, settling
 * ends it. The sink is locked before its positions, these before its deliveries, and claims skip what
 * others hold: there is no circle of waiting.
 *
 * Rows of the same transcript are compared by `is not distinct from` where the sink is concerned, which
 * no index can serve, and by `settled_at` where it is concerned whether they are pending: that leaves
 * the index that begins with the transcript, whatever the statistics say (decision 0025).
 */

export interface EntryRange {
  readonly workspaceId: WorkspaceId
  /** Not itself part of the range. */
  readonly after: number
  readonly through: number
}

/**
 * Makes delivery rows of the entries after a position that are of the sink's types; answers the range
 * that they cover, whether or not there are entries left in it. What a replay was faster with stays.
 * Entries that are being moved to another integration are waited for (`moveDeliveries`).
 */
export async function insertDeliveries(
  trx: Transaction<Database>,
  { name, types }: SinkTerms,
  position: Position,
  limit: number,
): Promise<EntryRange> {
  const { workspaceId, sequence: after } = position
  const { rows } = await sql<{ through: number }>`
    with inserted as (
      insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id)
      select ${name}, workspace_id, sequence, integration_id, ticket_id from outbox_entry
      where workspace_id = ${workspaceId} and type = any(${types}::text[])
        and sequence > ${after} and sequence <= ${after + limit}
      for key share
      on conflict do nothing
    )
    select least(last_sequence, ${after + limit}) as through from feed
    where workspace_id = ${workspaceId}`.execute(trx)
  return { workspaceId, after, through: Math.max(rows[0]?.through ?? after, after) }
}

/**
 * Ends the deliveries that an entry of the range makes pointless, whatever its type: those of an older
 * revision of the same transcript. One that is under way is left alone; should it fail,
 * `postponeDeliveries` ends it.
 */
export async function supersedeDeliveries(
  trx: Transaction<Database>,
  { name }: SinkTerms,
  range: EntryRange,
): Promise<void> {
  await sql`
    with doomed as materialized (
      select older.* from outbox_entry as newer cross join lateral (
        select workspace_id, sequence from delivery
        where delivery.integration_id = newer.integration_id
          and delivery.ticket_id = newer.ticket_id and delivery.sequence < newer.sequence
          and delivery.settled_at is null and delivery.sink is not distinct from ${name}
        offset 0) as older
      where newer.workspace_id = ${range.workspaceId}
        and newer.sequence > ${range.after} and newer.sequence <= ${range.through}
    )
    update delivery
    set state = 'superseded', outcome = 'a newer revision exists', claimed_until = null,
      settled_at = now()
    from doomed
    where delivery.workspace_id = doomed.workspace_id and delivery.sequence = doomed.sequence
      and delivery.sink = ${name} and case when delivery.state = 'pending' then true end
      and (delivery.claimed_until is null or delivery.claimed_until <= now())`.execute(trx)
}
