import { type Kysely, type Transaction, sql } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../db/schema.ts'
import { type IntegrationId, TicketId, type WorkspaceId } from '../ids.ts'
import { StoredTurn, type Transcript } from './transcript.ts'

export interface NewRevision {
  readonly ticketId: TicketId
  readonly revision: number
  readonly contentHash: string
  readonly transcript: Transcript
}

/** A transcript that is noted for the eraser already is due for the newer revision as well. */
const noteAgain = sql`on conflict (integration_id, ticket_id) do update set
  from_revision = least(erasure.from_revision, excluded.from_revision),
  changed_at = excluded.changed_at, due_at = excluded.due_at`

/** Stores new revisions: the head of each transcript moves to it, its text becomes a row of its own. */
export async function saveRevisions(
  trx: Transaction<Database>,
  owner: { workspaceId: WorkspaceId; integrationId: IntegrationId },
  revisions: readonly NewRevision[],
): Promise<void> {
  if (revisions.length === 0) return
  const rows = revisions.map(({ ticketId, revision, contentHash, transcript }) => ({
    ticket_id: ticketId,
    revision,
    content_hash: contentHash,
    ticket: transcript.ticket,
    turns: transcript.turns,
  }))
  await sql`
    with revision as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
        ticket_id bigint, revision integer, content_hash text, ticket jsonb, turns jsonb)
    ), head as (
      insert into transcript
        (integration_id, ticket_id, workspace_id, revision, state, content_hash)
      select ${owner.integrationId}::uuid, ticket_id, ${owner.workspaceId}::text, revision, 'live',
        content_hash
      from revision
      on conflict (integration_id, ticket_id) do update set
        revision = excluded.revision, state = 'live', content_hash = excluded.content_hash,
        changed_at = now()
    ), noted as (
      insert into erasure (integration_id, ticket_id, from_revision)
      select ${owner.integrationId}::uuid, ticket_id, revision - 1 from revision where revision > 1
      ${noteAgain}
    )
    insert into transcript_revision (integration_id, ticket_id, revision, ticket, turns)
    select ${owner.integrationId}::uuid, ticket_id, revision, ticket, turns from revision`.execute(
    trx,
  )
}

/** Marks transcripts as taken back, which is a revision too; their text is erased in time. */
export async function saveRetractions(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  retractions: readonly { readonly ticketId: TicketId; readonly revision: number }[],
): Promise<void> {
  if (retractions.length === 0) return
  const rows = retractions.map(({ ticketId, revision }) => ({ ticket_id: ticketId, revision }))
  await sql`
    with retracted as (
      update transcript set revision = row.revision, state = 'retracted', changed_at = now()
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
        ticket_id bigint, revision integer)
      where transcript.integration_id = ${integrationId}::uuid
        and transcript.ticket_id = row.ticket_id
      returning row.ticket_id, row.revision
    )
    insert into erasure (integration_id, ticket_id, from_revision)
    select ${integrationId}::uuid, ticket_id, revision - 1 from retracted
    ${noteAgain}`.execute(trx)
}

const StoredTurns = z.array(StoredTurn)

/** The turns of the newest revision of transcripts that are live. */
export async function readTurns(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<ReadonlyMap<TicketId, readonly StoredTurn[]>> {
  if (ticketIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('transcript')
    .innerJoin('transcriptRevision as newest', (join) =>
      join
        .onRef('newest.integrationId', '=', 'transcript.integrationId')
        .onRef('newest.ticketId', '=', 'transcript.ticketId')
        .onRef('newest.revision', '=', 'transcript.revision'),
    )
    .select(['newest.ticketId', 'newest.turns'])
    .where('transcript.integrationId', '=', integrationId)
    .where('transcript.ticketId', '=', sql<number>`any(${ticketIds}::bigint[])`)
    .where('transcript.state', '=', 'live')
    .execute()
  return new Map(
    rows.map(({ ticketId, turns }) => [TicketId.parse(ticketId), StoredTurns.parse(turns)]),
  )
}
