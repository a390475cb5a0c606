import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { TicketId, WorkspaceId } from '../../ids.ts'
import type { SinkTerms } from '../sink/terms.ts'
import { repeatLater } from './repeat-store.ts'

export interface Replay {
  readonly workspaceId: WorkspaceId
  /** What lies beyond this number of the feed. */
  readonly after: number
  readonly ticketIds: readonly TicketId[] | undefined
}

/** Notes that sinks are to be given again what is in the feed by now; the relay does it bit by bit. */
export async function insertReplays(
  trx: Transaction<Database>,
  names: readonly string[],
  { workspaceId, after, ticketIds }: Replay,
): Promise<{ through: number }> {
  const { rows } = await sql<{ through: number }>`
    with noted as (
      insert into replay (sink, workspace_id, sequence, through, ticket_ids)
      select name, workspace_id, ${after}, last_sequence, ${ticketIds ?? null}::bigint[]
      from feed, unnest(${names}::text[]) as name
      where workspace_id = ${workspaceId} and last_sequence > ${after}
    )
    select last_sequence as through from feed where workspace_id = ${workspaceId}`.execute(trx)
  return { through: rows[0]?.through ?? 0 }
}

/** What is left of a replay: what lies beyond `position` up to `through`. */
export interface PendingReplay {
  readonly sink: string
  readonly position: number
  readonly through: number
  /** How many tickets were named; `null`: all are meant. */
  readonly tickets: number | null
  readonly requestedAt: DateTime
}

/** Of more replays than these nobody reads a list. */
const MOST_LISTED = 20

/** The next replays of each of these sinks, in the order in which they come. */
export async function listReplays(
  db: Kysely<Database>,
  names: readonly string[],
): Promise<PendingReplay[]> {
  const { rows } = await sql<PendingReplay>`
    select replay.* from unnest(${names}::text[]) as named (sink) cross join lateral (
      select sink, sequence as position, through, cardinality(ticket_ids) as tickets,
        created_at as "requestedAt"
      from replay where replay.sink = named.sink order by id limit ${MOST_LISTED}) as replay`.execute(
    db,
  )
  return rows
}

interface ReplayRow {
  readonly id: number
  readonly workspaceId: string
  readonly sequence: number
  readonly through: number
  readonly ticketIds: readonly number[] | null
}

/**
 * Makes the next deliveries of the oldest replay of a sink, whose lock is held, pending once more;
 * undefined: there is none. A transcript is told by its newest revision, unless the sink gets all of
 * them; what was erased is told by nothing but a later revision. What is pending anyway stays as it is.
 */
export async function replayNext(
  trx: Transaction<Database>,
  sink: SinkTerms,
  limit: number,
): Promise<number | undefined> {
  const replay = await trx
    .selectFrom('replay')
    .select(['id', 'workspaceId', 'sequence', 'through', 'ticketIds'])
    .where('sink', '=', sink.name)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (replay === undefined) return undefined
  if (sink.allRevisions) {
    const { sequence: after, through } = replay
    const transcripts = sql`(${chunkOf(replay, limit)}) as chunk`
    await repeatLater(trx, [sink.name], { transcripts, after, through })
  }
  const { reached, replayed } = await replayChunk(trx, sink, replay, limit)
  if (reached >= replay.through) {
    await trx.deleteFrom('replay').where('id', '=', replay.id).execute()
  } else {
    await trx.updateTable('replay').set({ sequence: reached }).where('id', '=', replay.id).execute()
  }
  return replayed
}

async function replayChunk(
  trx: Transaction<Database>,
  { name, types, allRevisions }: SinkTerms,
  replay: ReplayRow,
  limit: number,
): Promise<{ reached: number; replayed: number }> {
  const { rows } = await sql<{ reached: number; replayed: number }>`
    with chunk as materialized (${chunkOf(replay, limit)}), replayed as (
      insert into delivery as known
        (sink, workspace_id, sequence, integration_id, ticket_id, replayed)
      select ${name}, workspace_id, sequence, integration_id, ticket_id, true from chunk as entry
      where type = any(${types}::text[])
        and (${allRevisions}::boolean or not exists (
          select from outbox_entry as newer
          where newer.integration_id = entry.integration_id
            and newer.ticket_id = entry.ticket_id and newer.revision > entry.revision))
        and (type = 'transcript.retracted' or exists (
          select from transcript_revision as said
          where said.integration_id = entry.integration_id and said.ticket_id = entry.ticket_id
            and said.revision = entry.revision))
      on conflict (workspace_id, sequence, sink) do update
        set state = 'pending', replayed = true, attempts_before = known.attempts,
          created_at = now(), next_attempt_at = now(), claimed_until = null, settled_at = null
        where known.state <> 'pending'
      returning 1
    )
    select (select count(*) from replayed) as replayed, case
      when (select count(*) from chunk) < ${limit} then ${reachAtLeast(replay, limit)}
      else (select max(sequence) from chunk) end as reached`.execute(trx)
  return rows[0] ?? { reached: replay.through, replayed: 0 }
}

const columns = sql`entry.workspace_id, entry.sequence, entry.integration_id, entry.ticket_id,
  entry.revision, entry.type`

/** The next entries of a range of numbers, or of tickets by the index that begins with them. */
function chunkOf({ workspaceId, sequence, through, ticketIds }: ReplayRow, limit: number) {
  if (ticketIds === null) {
    return sql`
      select ${columns} from outbox_entry as entry
      where entry.workspace_id = ${workspaceId} and entry.sequence > ${sequence}
        and entry.sequence <= ${Math.min(sequence + limit, through)}
      for key share`
  }
  return sql`
    select ${columns} from integration
    cross join unnest(${ticketIds}::bigint[]) as named (ticket_id)
    join outbox_entry as entry
      on entry.integration_id = integration.id and entry.ticket_id = named.ticket_id
    where integration.workspace_id = ${workspaceId}
      and entry.sequence > ${sequence} and entry.sequence <= ${through}
    order by entry.sequence limit ${limit} for key share of entry`
}

/** A range may have lost entries to age: it is passed whether or not they are there. */
function reachAtLeast({ sequence, through, ticketIds }: ReplayRow, limit: number) {
  return sql`${ticketIds === null ? Math.min(sequence + limit, through) : through}::bigint`
}
