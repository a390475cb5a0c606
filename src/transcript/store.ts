import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId, TicketId, WorkspaceId } from '../ids.ts'
import type { Transcript } from './transcript.ts'

export interface NewRevision {
  readonly ticketId: TicketId
  readonly revision: number
  readonly contentHash: string
  readonly transcript: Transcript
}

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
    )
    insert into transcript_revision (integration_id, ticket_id, revision, ticket, turns)
    select ${owner.integrationId}::uuid, ticket_id, revision, ticket, turns from revision`.execute(
    trx,
  )
}

/** Marks transcripts as taken back; taking back is a revision too. */
export async function saveRetractions(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  retractions: readonly { readonly ticketId: TicketId; readonly revision: number }[],
): Promise<void> {
  if (retractions.length === 0) return
  const rows = retractions.map(({ ticketId, revision }) => ({ ticket_id: ticketId, revision }))
  await sql`
    update transcript set revision = row.revision, state = 'retracted', changed_at = now()
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      ticket_id bigint, revision integer)
    where transcript.integration_id = ${integrationId}::uuid
      and transcript.ticket_id = row.ticket_id`.execute(trx)
}
