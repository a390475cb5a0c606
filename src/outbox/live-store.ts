import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId, TicketId, type WorkspaceId } from '../ids.ts'
import { type PublishedRevision, StoredTranscript } from './entry.ts'

export interface TranscriptKey {
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
}

/** The live transcripts of a workspace after a key, with the key of each. */
export async function readLiveTranscripts(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  page: { readonly after: TranscriptKey | undefined; readonly limit: number },
): Promise<(PublishedRevision & TranscriptKey)[]> {
  const { after, limit } = page
  const rows = await db
    .selectFrom('transcript')
    .innerJoin('integration', 'integration.id', 'transcript.integrationId')
    .innerJoin('transcriptRevision as revision', (join) =>
      join
        .onRef('revision.integrationId', '=', 'transcript.integrationId')
        .onRef('revision.ticketId', '=', 'transcript.ticketId')
        .onRef('revision.revision', '=', 'transcript.revision'),
    )
    .select([
      'transcript.integrationId',
      'transcript.ticketId',
      'transcript.revision',
      'transcript.contentHash',
      'integration.subdomain',
      'revision.ticket',
      'revision.turns',
    ])
    .where('integration.workspaceId', '=', workspaceId)
    .where('transcript.state', '=', 'live')
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(transcript.integration_id, transcript.ticket_id)
          > (${after?.integrationId}::uuid, ${after?.ticketId}::bigint)`,
      ),
    )
    .orderBy('transcript.integrationId')
    .orderBy('transcript.ticketId')
    .limit(limit)
    .execute()
  return rows.map(({ ticket, turns, ...row }) => ({
    ...row,
    integrationId: IntegrationId.parse(row.integrationId),
    ticketId: TicketId.parse(row.ticketId),
    transcript: StoredTranscript.parse({ ticket, turns }),
  }))
}
