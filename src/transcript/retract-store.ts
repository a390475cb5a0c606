import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type IntegrationId, TicketId, type WorkspaceId } from '../ids.ts'

/** A transcript that readers were told of and that was not taken back. */
export interface LiveHead {
  readonly ticketId: TicketId
  readonly revision: number
  readonly contentHash: string
}

/** The first of them, in the order of their tickets. */
export async function listLiveHeads(
  trx: Transaction<Database>,
  owner: { readonly workspaceId: WorkspaceId; readonly integrationId: IntegrationId },
  limit: number,
): Promise<LiveHead[]> {
  const rows = await trx
    .selectFrom('transcript')
    .select(['ticketId', 'revision', 'contentHash'])
    .where('workspaceId', '=', owner.workspaceId)
    .where('integrationId', '=', owner.integrationId)
    .where('state', '=', 'live')
    .orderBy('ticketId')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, ticketId: TicketId.parse(row.ticketId) }))
}

/** Texts of an integration that stand in the database. */
export async function countTexts(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<number> {
  const { texts } = await db
    .selectFrom('transcriptRevision')
    .select(({ fn }) => fn.countAll<number>().as('texts'))
    .where('integrationId', '=', integrationId)
    .executeTakeFirstOrThrow()
  return texts
}

/** Whether text of an integration stands in the database, or is noted to be erased. */
export async function hasText(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (select from transcript_revision where integration_id = ${integrationId}::uuid)
      or exists (select from erasure where integration_id = ${integrationId}::uuid) as has`.execute(
    db,
  )
  return rows[0]?.has ?? false
}

/**
 * The revisions that transcripts of the same account had reached in integrations of the workspace that
 * were disconnected: readers know them by the same name, so that new ones go on from there.
 */
export async function readEarlierRevisions(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  ticketIds: readonly TicketId[],
): Promise<ReadonlyMap<TicketId, number>> {
  if (ticketIds.length === 0) return new Map()
  const { rows } = await sql<{ ticketId: number; revision: number }>`
    select transcript.ticket_id as "ticketId", max(transcript.revision) as revision
    from integration own
    join integration earlier on earlier.workspace_id = own.workspace_id
      and earlier.subdomain = own.subdomain and earlier.status = 'disconnected'
    join transcript on transcript.integration_id = earlier.id
      and transcript.ticket_id = any(${ticketIds}::bigint[])
    where own.id = ${integrationId}::uuid
    group by transcript.ticket_id`.execute(trx)
  return new Map(rows.map((row) => [TicketId.parse(row.ticketId), row.revision]))
}
