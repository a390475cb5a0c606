import { randomUUID } from 'node:crypto'
import type { Middleware } from 'koa'
import { withRequestId } from '../log.ts'

/** A browser that has seen https once comes back by nothing else for a year. */
const TRANSPORT = 'max-age=31536000'

/** Nothing of ours is to be kept, guessed at, framed or told to others; a page says what it needs. */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}

/** Headers of all answers. Whether browsers meet us by https only the public address says. */
export function setHeaders(publicUrl: string): Middleware {
  const isHttps = publicUrl.startsWith('https:')
  const headers = { ...HEADERS, ...(isHttps && { 'strict-transport-security': TRANSPORT }) }
  return (ctx, next) => {
    ctx.set(headers)
    return next()
  }
}

/** What the routers of platforms send, and nothing that could be more than a name. */
const SANE_ID = /^[\w.:=+/@-]{1,128}$/

/**
 * Gives each request a name: the one that it came with, if that is one, so that lines of ours and of
 * the router before us can be laid side by side. It goes out with the answer and stands in every line
 * that is logged on the way, those of requests to Zendesk, with Zendesk's own ids, included.
 */
export const nameRequest: Middleware = (ctx, next) => {
  const given = ctx.get('x-request-id')
  const requestId = SANE_ID.test(given) ? given : randomUUID()
  ctx.set('x-request-id', requestId)
  return withRequestId(requestId, next)
}
