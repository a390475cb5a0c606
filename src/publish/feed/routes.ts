import { Readable } from 'node:stream'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { WorkspaceId } from '../../ids.ts'
import { toPublication } from '../../outbox/publication.ts'
import { type FeedPage, readFeed, readFeedEnd } from '../../outbox/store.ts'
import { RequestError } from '../../platform/errors.ts'
import { unacceptable } from '../../platform/http/input.ts'
import { parseQuery } from '../../platform/http/query.ts'
import { findWorkspace } from '../../workspace/store.ts'
import { compressAnswers } from './gzip.ts'
import { showLive } from './live-route.ts'
import { News } from './news-store.ts'
import { FeedQuery } from './query.ts'
import { NDJSON, readOn, toLines, wantsLines } from './stream.ts'

/**
 * The feed: what was published in a workspace, in the order of its sequence, and what is live there
 * right now. A reader that keeps `next` and passes it as `after` gets each publication exactly once
 * and never misses one. `next` is the sequence number of the last publication that was looked at, so
 * that a reader of the NDJSON stream, which has no `next`, goes on from the `sequence` of its last
 * whole line. A reader that is so far behind that entries which it has not read are pruned is told
 * so with 410. Who may read is decided before these routes.
 */
export interface FeedDeps {
  readonly db: Kysely<Database>
  /** Aborts when the process stops: who waits then is answered at once. */
  readonly signal: AbortSignal
}

const DEFAULT_LIMIT = 100
/** Entries read in one statement; an answer holds two such batches in memory, and a page its own text. */
const BATCH = 250
/** Characters at which a page ends before its limit. */
const PAGE_LENGTH = 8 * 1024 * 1024

type RouteContext = Context & { readonly params: Readonly<Record<string, string>> }

export function feedRoutes({ db, signal }: FeedDeps): Router {
  const news = new News(db)
  const router = new Router()
  router.use(compressAnswers)
  router.get('/v1/workspaces/:workspace_id/transcripts', async (ctx) =>
    showFeed({ db, signal, news }, ctx, await knownWorkspace(db, ctx)),
  )
  router.get('/v1/workspaces/:workspace_id/transcripts/current', async (ctx) =>
    showLive(db, ctx, await knownWorkspace(db, ctx)),
  )
  return router
}

async function knownWorkspace(db: Kysely<Database>, ctx: RouteContext): Promise<WorkspaceId> {
  const id = WorkspaceId.safeParse(ctx.params['workspace_id'])
  const workspace = id.success ? await findWorkspace(db, id.data) : undefined
  if (workspace === undefined)
    throw new RequestError(404, 'not_found', 'there is no such workspace')
  return workspace.id
}

type ReadPage = (after: number, limit: number) => Promise<FeedPage>

async function showFeed(
  { db, signal, news }: FeedDeps & { readonly news: News },
  ctx: RouteContext,
  workspaceId: WorkspaceId,
): Promise<void> {
  const query = parseQuery(FeedQuery, ctx.query)
  const end = await readFeedEnd(db, workspaceId)
  if (query.after > end) {
    throw unacceptable(['after: lies beyond the newest publication of this workspace'])
  }
  const isStream = wantsLines(ctx)
  const limit = query.limit ?? (isStream ? Infinity : DEFAULT_LIMIT)
  const read: ReadPage = async (after, most) => {
    const page = await readFeed(db, workspaceId, after, Math.min(most, BATCH))
    if (page.prunedThrough > after) throw pruned(workspaceId, page.prunedThrough)
    return page
  }
  const first = await firstPage({ news, signal, read }, ctx, { workspaceId, ...query, end, limit })
  const pages = readOn(first, limit, {
    sizeOf: ({ entries }) => entries.length,
    read: ({ position }, most) => read(position, most),
  })
  const lines = () => toLines(pages, ({ entries }) => entries.map(toPublication))
  ctx.type = isStream ? NDJSON : 'json'
  ctx.body = isStream ? Readable.from(lines()) : await toJson(pages, query.after)
}

/** Waits for something to show, until the time is up, the client is gone or the process stops. */
async function firstPage(
  { news, signal, read }: { news: News; signal: AbortSignal; read: ReadPage },
  ctx: Context,
  from: { workspaceId: WorkspaceId; after: number; end: number; limit: number; wait: number },
): Promise<FeedPage> {
  const { workspaceId, after, end, limit, wait } = from
  const nothing = { entries: [], position: after, hasMore: false, prunedThrough: 0 }
  const page: FeedPage = after < end ? await read(after, limit) : nothing
  if (wait === 0 || page.entries.length > 0) return page
  const until = AbortSignal.any([signal, gone(ctx), AbortSignal.timeout(wait * 1_000)])
  await news.beyond(workspaceId, after, until)
  return read(after, limit)
}

function pruned(workspaceId: WorkspaceId, through: number): RequestError {
  return new RequestError(
    410,
    'cursor_pruned',
    `publications up to ${through} are pruned, and some of them lie behind this "after": read ` +
      `GET /v1/workspaces/${workspaceId}/transcripts/current, all pages, then go on here with ` +
      'the "feed_cursor" of its first page as "after"',
  )
}

/** Aborts when the client is gone. */
function gone(ctx: Context): AbortSignal {
  const controller = new AbortController()
  ctx.res.once('close', () => controller.abort())
  // It may have closed while the first rows were read.
  if (ctx.res.destroyed) controller.abort()
  return controller.signal
}

async function toJson(pages: AsyncIterable<FeedPage>, after: number): Promise<string> {
  const texts: string[] = []
  let end = { position: after, hasMore: false }
  let length = 0
  for await (const page of pages) {
    for (const entry of page.entries) {
      const text = JSON.stringify(toPublication(entry))
      texts.push(text)
      length += text.length
    }
    end = page
    if (length >= PAGE_LENGTH) break
  }
  return `{"data":[${texts.join(',')}],"next":"${end.position}","has_more":${end.hasMore}}\n`
}
