import { type Transaction, sql } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../db/schema.ts'
import { IntegrationId, TicketId } from '../ids.ts'
import { StoredTurn } from './transcript.ts'

/**
 * Which transcripts may hold text that was taken back. Whoever writes a revision that follows another
 * one, or a retraction, notes it here in the same transaction; the note goes when the text has gone.
 * A note that is locked by its eraser makes the next revision wait, so that the newest one stays the
 * newest until the erasing is committed.
 */
export interface Noted {
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
}

/** Takes up to so many notes that are due and that nobody else is at, longest waiting first. */
export async function claimErasures(trx: Transaction<Database>, limit: number): Promise<Noted[]> {
  const { rows } = await sql<{ integrationId: string; ticketId: number }>`
    select integration_id as "integrationId", ticket_id as "ticketId" from erasure
    where due_at <= now() order by due_at limit ${limit}
    for update skip locked`.execute(trx)
  return rows.map(toNoted)
}

export interface Head extends Noted {
  /** Text before this revision was held against what followed it, and still stood there. */
  readonly fromRevision: number
  readonly revision: number
  readonly isLive: boolean
  /** Whether the newest revision has come to an end at every sink: delivered, or given up. */
  readonly isDelivered: boolean
}

/**
 * Where the noted transcripts stand. A sink that has not come to the newest entry in the feed of the
 * workspace, or has a delivery of it pending, has not got it yet. Those named here get every entry,
 * those of the workspace its own; one that is stopped or off is waited for by nobody.
 */
export async function readHeads(
  trx: Transaction<Database>,
  noted: readonly Noted[],
  sinks: readonly string[],
): Promise<Head[]> {
  const { rows } = await sql<{ [Key in keyof Head]: Head[Key] }>`
    select erasure.integration_id as "integrationId", erasure.ticket_id as "ticketId",
      erasure.from_revision as "fromRevision", transcript.revision,
      transcript.state = 'live' as "isLive",
      entry.sequence is not null and not exists (
        select from (
          select named.name from unnest(${sinks}::text[]) as named (name)
          where not exists (
            select from sink where sink.name = named.name and sink.state <> 'active')
          union all
          select sink.name from sink
          where sink.workspace_id = entry.workspace_id and sink.state = 'active'
        ) as sink
        left join sink_position position
          on position.sink = sink.name and position.workspace_id = entry.workspace_id
        where coalesce(position.sequence, 0) < entry.sequence or exists (
          select from delivery
          where delivery.sink = sink.name and delivery.workspace_id = entry.workspace_id
            and delivery.sequence = entry.sequence
            and delivery.state is not distinct from 'pending')
      ) as "isDelivered"
    from ${keys(noted)}
    join erasure using (integration_id, ticket_id)
    join transcript using (integration_id, ticket_id)
    left join outbox_entry entry on entry.integration_id = key.integration_id
      and entry.ticket_id = key.ticket_id and entry.revision = transcript.revision`.execute(trx)
  return rows.map((row) => ({ ...row, ...toNoted(row) }))
}

export interface StoredRevision {
  readonly revision: number
  readonly turns: readonly StoredTurn[]
}

/** The text of the newest revision below a number, one at a time: a long conversation is large. */
export async function readRevisionBelow(
  trx: Transaction<Database>,
  { integrationId, ticketId }: Noted,
  revision: number,
): Promise<StoredRevision | undefined> {
  const row = await trx
    .selectFrom('transcriptRevision')
    .select(['revision', 'turns'])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .where('revision', '<', revision)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && { revision: row.revision, turns: z.array(StoredTurn).parse(row.turns) }
}

/** Erases every text of transcripts that are taken back; answers how many revisions that were. */
export async function eraseAll(
  trx: Transaction<Database>,
  retracted: readonly Noted[],
): Promise<number> {
  if (retracted.length === 0) return 0
  const { numAffectedRows } = await sql`
    delete from transcript_revision revision using ${keys(retracted)}
    where revision.integration_id = key.integration_id
      and revision.ticket_id = key.ticket_id`.execute(trx)
  return Number(numAffectedRows ?? 0)
}

/** Erases these texts of one transcript. */
export async function eraseRevisions(
  trx: Transaction<Database>,
  { integrationId, ticketId }: Noted,
  revisions: readonly number[],
): Promise<void> {
  await trx
    .deleteFrom('transcriptRevision')
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .where('revision', '=', sql<number>`any(${revisions}::integer[])`)
    .execute()
}

/** Nothing of these is left to be erased, until something new is noted. */
export async function endErasures(
  trx: Transaction<Database>,
  noted: readonly Noted[],
): Promise<void> {
  if (noted.length === 0) return
  await sql`
    delete from erasure using ${keys(noted)}
    where erasure.integration_id = key.integration_id
      and erasure.ticket_id = key.ticket_id`.execute(trx)
}

/** A receiver that is down for a day must not have its whole backlog looked at every few seconds. */
const SOONEST = '5 seconds'
const LATEST = '10 minutes'

/** Puts off what readers have not got yet: by as long as they have not got it. */
export async function postponeErasures(
  trx: Transaction<Database>,
  noted: readonly Noted[],
): Promise<void> {
  if (noted.length === 0) return
  await sql`
    update erasure
    set due_at = now() + greatest(${SOONEST}::interval,
      least(${LATEST}::interval, now() - erasure.changed_at))
    from ${keys(noted)}
    where erasure.integration_id = key.integration_id
      and erasure.ticket_id = key.ticket_id`.execute(trx)
}

function keys(noted: readonly Noted[]) {
  return sql`unnest(${noted.map((it) => it.integrationId)}::uuid[],
    ${noted.map((it) => it.ticketId)}::bigint[]) as key (integration_id, ticket_id)`
}

function toNoted(row: { readonly integrationId: string; readonly ticketId: number }): Noted {
  return {
    integrationId: IntegrationId.parse(row.integrationId),
    ticketId: TicketId.parse(row.ticketId),
  }
}
