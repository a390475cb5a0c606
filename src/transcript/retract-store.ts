import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type IntegrationId, TicketId, type WorkspaceId } from '../ids.ts'

/** A transcript that readers were told of and that was not taken back. */
export interface LiveHead {
  readonly ticketId: TicketId
  readonly revision: number
  readonly contentHash: string
}

/** The first of them, in the order of their tickets, locked until the transaction ends. */
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
    .forUpdate()
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
