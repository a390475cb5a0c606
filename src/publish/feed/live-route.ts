import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { WorkspaceId } from '../../ids.ts'
import { type LivePage, type TranscriptKey, readLiveTranscripts } from '../../outbox/live-store.ts'
import { toPublishedTranscript } from '../../outbox/publication.ts'
import { readFeedEnd } from '../../outbox/store.ts'
import { parseQuery } from '../../platform/http/query.ts'
import { LiveQuery, toCursor } from './query.ts'
import { NDJSON, readOn, toLines, wantsLines } from './stream.ts'

const DEFAULT_LIMIT = 50
/** Transcripts read in one statement of a stream, which holds two such batches in memory. */
const BATCH = 200

/**
 * The live transcripts themselves, in the order of their keys: what is published while a reader pages
 * moves none of them to another page. `feed_cursor` is where the feed stood before they were read: who
 * has read all pages follows the feed from the one of the first page and misses no change. It may show
 * a revision once more that the page has shown already, and never an end of the story that is older.
 * A stream has it in a header, for it stands in no line.
 */
export async function showLive(
  db: Kysely<Database>,
  ctx: Context,
  workspaceId: WorkspaceId,
): Promise<void> {
  const { cursor, limit } = parseQuery(LiveQuery, ctx.query)
  const feedEnd = String(await readFeedEnd(db, workspaceId))
  const read = (after: TranscriptKey | undefined, most: number): Promise<LivePage> =>
    readLiveTranscripts(db, workspaceId, { after, limit: Math.min(most, BATCH) })
  const toJson = (page: LivePage) => page.transcripts.map(toPublishedTranscript)
  if (wantsLines(ctx)) {
    const most = limit ?? Infinity
    const pages = readOn(await read(cursor, most), most, {
      sizeOf: ({ transcripts }) => transcripts.length,
      read: ({ transcripts }, left) => read(transcripts.at(-1), left),
    })
    ctx.set('x-feed-cursor', feedEnd)
    ctx.type = NDJSON
    ctx.body = Readable.from(toLines(pages, toJson))
    return
  }
  const page = await read(cursor, limit ?? DEFAULT_LIMIT)
  const last = page.hasMore ? page.transcripts.at(-1) : undefined
  const answer = {
    data: toJson(page),
    next_cursor: last === undefined ? null : toCursor(last),
    feed_cursor: feedEnd,
  }
  ctx.type = 'json'
  ctx.body = `${JSON.stringify(answer)}\n`
}
