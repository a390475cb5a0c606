import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'

/**
 * What goes when it has been published for long. A feed loses entries from its beginning only, and
 * `feed.pruned_through` says up to where, changed by the transaction that deletes them: whoever reads
 * both in one statement sees an entry, or that it is gone.
 */

/** Looks at the next so many feeds in the order of their names; says which begin with an old entry. */
export async function findFeedsToPrune(
  db: Kysely<Database>,
  { after, limit, keepDays }: { readonly after: string; limit: number; keepDays: number },
): Promise<{ workspaceId: WorkspaceId; isDue: boolean }[]> {
  const { rows } = await sql<{ workspaceId: string; isDue: boolean }>`
    select feed.workspace_id, coalesce(entry.published_at < now() - ${days(keepDays)}, false)
      as is_due
    from (
      select workspace_id, pruned_through from feed
      where workspace_id > ${after} order by workspace_id limit ${limit}
    ) feed
    left join outbox_entry entry on entry.workspace_id = feed.workspace_id
      and entry.sequence = feed.pruned_through + 1
    order by feed.workspace_id`.execute(db)
  return rows.map((row) => ({ ...row, workspaceId: WorkspaceId.parse(row.workspaceId) }))
}

/** Lets one transaction at a time prune a feed; false if another one does. */
export async function tryLockPruning(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`prune ${workspaceId}`}, 0))
      as locked`.execute(trx)
  return rows[0]?.locked === true
}

export interface EntrySpan {
  readonly workspaceId: WorkspaceId
  /** Not itself part of it. */
  readonly after: number
  readonly through: number
}

/**
 * The entries at the beginning of a feed that nobody needs any more: those before the first one that is
 * young, that a sink which takes anything or a replay has not come to, that is still to be delivered to
 * a sink that there is, or that says whether the sinks know what is noted to be erased.
 */
export async function findPrunable(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
  options: { readonly keepDays: number; readonly sinks: readonly string[]; readonly limit: number },
): Promise<EntrySpan> {
  const { rows } = await sql<{ after: number; through: number }>`
    select feed.pruned_through as after, coalesce(
      min(entry.sequence) filter (where entry.published_at >= now() - ${days(options.keepDays)}
        or entry.sequence > reached.sequence or entry.is_pending or entry.is_noted) - 1,
      max(entry.sequence), feed.pruned_through) as through
    from feed
    cross join (
      select coalesce(min(sequence), ${Number.MAX_SAFE_INTEGER}::bigint) as sequence from (
        select coalesce(position.sequence, 0) as sequence
        from (
          select named.name from unnest(${options.sinks}::text[]) as named (name)
          left join sink using (name) where sink.state is null or sink.state = 'active'
          union
          select sink.name from sink
          where sink.workspace_id = ${workspaceId} and sink.state = 'active'
        ) taker
        left join sink_position position
          on position.sink = taker.name and position.workspace_id = ${workspaceId}
        union all
        select replay.sequence from replay join sink on sink.name = replay.sink
        where replay.workspace_id = ${workspaceId} and sink.state = 'active'
      ) place
    ) reached
    left join lateral (
      select entry.sequence, entry.published_at, exists (
          select from delivery
          where delivery.integration_id = entry.integration_id
            and delivery.ticket_id = entry.ticket_id and delivery.sequence = entry.sequence
            and delivery.settled_at is null
            and delivery.sink in (select name from sink) offset 0) as is_pending,
        exists (
          select from erasure join transcript using (integration_id, ticket_id)
          where erasure.integration_id = entry.integration_id
            and erasure.ticket_id = entry.ticket_id and transcript.revision = entry.revision)
          as is_noted
      from outbox_entry entry
      where entry.workspace_id = ${workspaceId} and entry.sequence > feed.pruned_through
      order by entry.sequence limit ${options.limit}
    ) entry on true
    where feed.workspace_id = ${workspaceId}
    group by feed.workspace_id`.execute(trx)
  return { workspaceId, after: rows[0]?.after ?? 0, through: rows[0]?.through ?? 0 }
}

/** One that is redriven meanwhile stays, and its entry with it: then nothing is pruned this time. */
export async function deleteDeliveries(
  trx: Transaction<Database>,
  span: EntrySpan,
): Promise<number> {
  const { numDeletedRows } = await trx
    .deleteFrom('delivery')
    .where('workspaceId', '=', span.workspaceId)
    .where('sequence', '>', span.after)
    .where('sequence', '<=', span.through)
    .where((eb) =>
      eb.or([
        eb('state', '<>', 'pending'),
        eb('sink', 'not in', eb.selectFrom('sink').select('name')),
      ]),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/**
 * Deletes texts that a newer revision has replaced, and never the newest. Rows that an eraser has are
 * left to it: two that wait for each other's rows would never end.
 */
export async function deleteReplacedTexts(
  trx: Transaction<Database>,
  span: EntrySpan,
): Promise<number> {
  const { numAffectedRows } = await sql`
    with replaced as materialized (
      select revision.integration_id, revision.ticket_id, revision.revision
      from outbox_entry entry
      join transcript on transcript.integration_id = entry.integration_id
        and transcript.ticket_id = entry.ticket_id and transcript.workspace_id = entry.workspace_id
      join transcript_revision revision on revision.integration_id = entry.integration_id
        and revision.ticket_id = entry.ticket_id and revision.revision <= entry.revision
        and revision.revision < transcript.revision
      where entry.workspace_id = ${span.workspaceId}
        and entry.sequence > ${span.after} and entry.sequence <= ${span.through}
      for update of revision skip locked
    )
    delete from transcript_revision revision using replaced
    where revision.integration_id = replaced.integration_id
      and revision.ticket_id = replaced.ticket_id
      and revision.revision = replaced.revision`.execute(trx)
  return Number(numAffectedRows ?? 0)
}

export async function deleteEntries(trx: Transaction<Database>, span: EntrySpan): Promise<number> {
  const { numDeletedRows } = await trx
    .deleteFrom('outboxEntry')
    .where('workspaceId', '=', span.workspaceId)
    .where('sequence', '>', span.after)
    .where('sequence', '<=', span.through)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** The last write of its transaction: from here on writers of the feed wait for its end. */
export async function savePruned(
  trx: Transaction<Database>,
  { workspaceId, through }: EntrySpan,
): Promise<void> {
  await trx
    .updateTable('feed')
    .set({ prunedThrough: through })
    .where('workspaceId', '=', workspaceId)
    .execute()
}

function days(count: number) {
  return sql`make_interval(secs => ${count * 86_400})`
}
