import type { Context } from 'koa'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { WorkspaceId } from '../../ids.ts'
import { readLiveTranscripts } from '../../outbox/live-store.ts'
import { toPublishedTranscript } from '../../outbox/publication.ts'
import { readFeedEnd } from '../../outbox/store.ts'
import { parseQuery } from '../../platform/http/query.ts'
import { LiveQuery, toCursor } from './query.ts'

/**
 * The live transcripts themselves, in the order of their keys: what is published while a reader pages
 * moves none of them to another page. `feed_cursor` is where the feed stood before they were read: who
 * has read all pages follows the feed from the one of the first page and misses no change. It may show
 * a revision once more that the page has shown already, and never an end of the story that is older.
 */
export async function showLive(
  db: Kysely<Database>,
  ctx: Context,
  workspaceId: WorkspaceId,
): Promise<void> {
  const { cursor, limit } = parseQuery(LiveQuery, ctx.query)
  const feedEnd = await readFeedEnd(db, workspaceId)
  const { transcripts, hasMore } = await readLiveTranscripts(db, workspaceId, {
    after: cursor,
    limit,
  })
  const last = hasMore ? transcripts.at(-1) : undefined
  const page = {
    data: transcripts.map(toPublishedTranscript),
    next_cursor: last === undefined ? null : toCursor(last),
    feed_cursor: String(feedEnd),
  }
  ctx.type = 'json'
  ctx.body = `${JSON.stringify(page)}\n`
}
