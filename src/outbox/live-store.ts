import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId, TicketId, type WorkspaceId } from '../ids.ts'
import { type PublishedRevision, StoredTranscript } from './entry.ts'

export interface TranscriptKey {
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
}

export interface LivePage {
  readonly transcripts: readonly (PublishedRevision & TranscriptKey)[]
  readonly hasMore: boolean
}

/** Bounds the memory of a page: stored text beyond it, compressed, goes to the next page. */
const PAGE_BYTES = 4 * 1024 * 1024

/**
 * The live transcripts of a workspace after a key, with the key of each: at most `limit`, fewer if they
 * are large, at least one if there is one.
 */
export async function readLiveTranscripts(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  { after, limit }: { readonly after: TranscriptKey | undefined; readonly limit: number },
): Promise<LivePage> {
  // The page is chosen by its keys alone, from one index, before anything is looked up for it.
  const keys = db
    .selectFrom('transcript')
    .select(['integrationId', 'ticketId', 'revision', 'contentHash'])
    .where('workspaceId', '=', workspaceId)
    .where('state', '=', 'live')
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(integration_id, ticket_id)
          > (${after?.integrationId}::uuid, ${after?.ticketId}::bigint)`,
      ),
    )
    .orderBy('integrationId')
    .orderBy('ticketId')
    .limit(limit + 1)
    .as('key')
  const inOrder = sql`over (order by key.integration_id, key.ticket_id
    rows between unbounded preceding and 1 preceding)`
  const page = db
    .selectFrom(keys)
    .innerJoin('integration', 'integration.id', 'key.integrationId')
    .innerJoin('transcriptRevision as revision', (join) =>
      join
        .onRef('revision.integrationId', '=', 'key.integrationId')
        .onRef('revision.ticketId', '=', 'key.ticketId')
        .onRef('revision.revision', '=', 'key.revision'),
    )
    .selectAll('key')
    .select([
      'integration.subdomain',
      'revision.ticket',
      'revision.turns',
      sql<number>`count(*) over ()`.as('found'),
      sql<number>`coalesce(sum(pg_column_size(revision.turns)) ${inOrder}, 0)`.as('bytesBefore'),
    ])
    .as('page')
  const rows = await db
    .selectFrom(page)
    .selectAll()
    .where('bytesBefore', '<', PAGE_BYTES)
    .orderBy('integrationId')
    .orderBy('ticketId')
    .limit(limit)
    .execute()
  const transcripts = rows.map(({ ticket, turns, ...row }) => ({
    subdomain: row.subdomain,
    revision: row.revision,
    contentHash: row.contentHash,
    integrationId: IntegrationId.parse(row.integrationId),
    ticketId: TicketId.parse(row.ticketId),
    transcript: StoredTranscript.parse({ ticket, turns }),
  }))
  return { transcripts, hasMore: (rows[0]?.found ?? 0) > rows.length }
}
