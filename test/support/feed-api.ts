import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa from 'koa'
import type { Kysely } from 'kysely'
import { request } from 'undici'
import type { Database } from '../../db/schema.ts'
import { RequestError } from '../../src/platform/errors.ts'
import { feedRoutes } from '../../src/publish/feed/routes.ts'
import { testDatabase } from './database.ts'
import { type Feed, aFeed } from './outbox-rows.ts'

/** The routes of the feed on loopback, without the entry around them. */
export interface FeedApi {
  readonly url: string
  /** What the entry aborts when the process stops. */
  readonly stop: AbortController
  /** Resolves when the first request is there. */
  readonly arrived: Promise<void>
  /** What the first request was answered, once it has been worked through. */
  readonly answered: Promise<unknown>
}

export async function serveFeed(
  t: Pick<ExecutionContext, 'teardown'>,
  db: Kysely<Database>,
): Promise<FeedApi> {
  const stop = new AbortController()
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<unknown>()
  const app = new Koa()
  app.on('error', () => {})
  app.use(async (ctx, next) => {
    arrived.resolve()
    try {
      await next()
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      ctx.status = error.status
      ctx.body = {
        error: { code: error.publicCode, message: error.message, details: error.details },
      }
    } finally {
      answered.resolve(ctx.body)
    }
  })
  app.use(feedRoutes({ db, signal: stop.signal }).routes())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    stop.abort()
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1/workspaces`,
    stop,
    arrived: arrived.promise,
    answered: answered.promise,
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  // The shape is what the tests assert.
  readonly body: ReturnType<typeof JSON.parse>
}

export async function get(url: string): Promise<Answer> {
  const { statusCode, headers, body } = await request(url)
  return { status: statusCode, headers, body: await body.json() }
}

export async function aFeedApi(
  t: ExecutionContext,
): Promise<FeedApi & { db: Kysely<Database>; feed: Feed }> {
  const { db } = await testDatabase(t)
  const [api, feed] = await Promise.all([serveFeed(t, db), aFeed(db)])
  return { ...api, db, feed }
}

export function tickets(first: number, last: number): { ticketId: number }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ ticketId: first + index }))
}

export function sequencesOf(body: { data: { sequence: string }[] }): number[] {
  return body.data.map(({ sequence }) => Number(sequence))
}
