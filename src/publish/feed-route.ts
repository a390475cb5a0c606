import { Readable } from 'node:stream'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'
import { readLiveTranscripts } from '../outbox/live-store.ts'
import { toPublication, toPublishedTranscript } from '../outbox/publication.ts'
import { readFeed, readFeedEnd } from '../outbox/store.ts'
import { RequestError } from '../platform/errors.ts'
import { unacceptable } from '../platform/http/input.ts'
import { parseQuery } from '../platform/http/query.ts'
import { pause } from '../platform/lifecycle.ts'
import { findWorkspace } from '../workspace/store.ts'
import { FeedQuery, LiveQuery, toCursor } from './feed-query.ts'

/**
 * The feed: what was published in a workspace, in the order of its sequence, and what is live there
 * right now. A reader that keeps `next` and passes it as `after` gets each publication exactly once
 * and never misses one. `next` is the sequence number of the last publication that was looked at, so
 * that a reader of the NDJSON stream, which has no `next`, goes on from the `sequence` of its last
 * whole line. Who may read is decided before these routes.
 */
export interface FeedDeps {
  readonly db: Kysely<Database>
  /** Aborts when the process stops: who waits then is answered at once. */
  readonly signal: AbortSignal
}

const DEFAULT_LIMIT = 100
/** Lines read in one statement; the memory that a stream takes is that of two such batches. */
const STREAM_BATCH = 200
/** A waiting reader costs one look at the row of its feed in this time. */
const POLL_MS = 500
const NDJSON = 'application/x-ndjson'

export function feedRoutes(deps: FeedDeps): Router {
  const router = new Router()
  router.get('/v1/workspaces/:workspace_id/transcripts', (ctx) => showFeed(deps, ctx))
  router.get('/v1/workspaces/:workspace_id/transcripts/current', (ctx) => showLive(deps, ctx))
  return router
}

type RouteContext = Context & { readonly params: Readonly<Record<string, string>> }

async function showFeed(deps: FeedDeps, ctx: RouteContext): Promise<void> {
  const { db } = deps
  const query = parseQuery(FeedQuery, ctx.query)
  const workspaceId = await knownWorkspace(db, ctx)
  if (query.after > (await readFeedEnd(db, workspaceId))) {
    throw unacceptable(['after: lies beyond the newest publication of this workspace'])
  }
  if (query.wait > 0) await newsBeyond(deps, ctx, { workspaceId, ...query })
  ctx.set('cache-control', 'no-store')
  ctx.vary('accept')
  if (ctx.accepts('application/json', NDJSON) === NDJSON) {
    ctx.type = NDJSON
    ctx.body = Readable.from(streamLines(db, workspaceId, query))
    return
  }
  const page = await readFeed(db, workspaceId, query.after, query.limit ?? DEFAULT_LIMIT)
  ctx.body = {
    data: page.entries.map(toPublication),
    next: String(page.position),
    has_more: page.hasMore,
  }
}

/** One publication a line until the end of the feed, read no faster than the client takes them. */
async function* streamLines(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  query: FeedQuery,
): AsyncGenerator<string> {
  let { after, limit: left = Infinity } = query
  let hasMore = true
  while (hasMore && left > 0) {
    const page = await readFeed(db, workspaceId, after, Math.min(left, STREAM_BATCH))
    const lines = page.entries.map((entry) => `${JSON.stringify(toPublication(entry))}\n`)
    if (lines.length > 0) yield lines.join('')
    left -= lines.length
    after = page.position
    hasMore = page.hasMore
  }
}

/** Waits for a newer entry, until the time is up, the client is gone or the process stops. */
async function newsBeyond(
  { db, signal }: FeedDeps,
  ctx: Context,
  options: { workspaceId: WorkspaceId; after: number; wait: number },
): Promise<void> {
  const gone = new AbortController()
  ctx.res.once('close', () => gone.abort())
  // It may have closed while the first rows were read.
  if (ctx.res.destroyed) gone.abort()
  const timeUp = AbortSignal.timeout(options.wait * 1_000)
  const until = AbortSignal.any([signal, gone.signal, timeUp])
  while ((await readFeedEnd(db, options.workspaceId)) <= options.after && !until.aborted) {
    await pause(POLL_MS, until)
  }
}

/**
 * The live transcripts themselves. `feed_cursor` is where the feed stood before they were read: who
 * has read all pages follows the feed from the one of the first page and misses no change.
 */
async function showLive({ db }: FeedDeps, ctx: RouteContext): Promise<void> {
  const { cursor, limit } = parseQuery(LiveQuery, ctx.query)
  const workspaceId = await knownWorkspace(db, ctx)
  const feedEnd = await readFeedEnd(db, workspaceId)
  const found = await readLiveTranscripts(db, workspaceId, { after: cursor, limit: limit + 1 })
  const shown = found.slice(0, limit)
  const last = found.length > limit ? shown.at(-1) : undefined
  ctx.set('cache-control', 'no-store')
  ctx.body = {
    data: shown.map(toPublishedTranscript),
    next_cursor: last === undefined ? null : toCursor(last),
    feed_cursor: String(feedEnd),
  }
}

async function knownWorkspace(db: Kysely<Database>, ctx: RouteContext): Promise<WorkspaceId> {
  const id = WorkspaceId.safeParse(ctx.params['workspace_id'])
  const workspace = id.success ? await findWorkspace(db, id.data) : undefined
  if (workspace === undefined)
    throw new RequestError(404, 'not_found', 'there is no such workspace')
  return workspace.id
}
