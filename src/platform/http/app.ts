import { Stream } from 'node:stream'
import Router from '@koa/router'
import Koa from 'koa'
import type { Context, Middleware } from 'koa'
import { errorAnswer, refusalAnswer, sendAnswer } from './error-answer.ts'
import { nameRequest, setHeaders } from './headers.ts'
import { webLog as log } from '../log.ts'

/** A request that was answered, by the pattern of its route. */
export interface Observed {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly ms: number
}

export interface AppOptions {
  readonly publicUrl?: string
  readonly observe?: (request: Observed) => void
}

/**
 * The web application around the routes of the stages: one line in the log a request, one place in
 * which errors become answers, and headers that hold for all of them. A log line tells the pattern
 * of the route and never the address itself, for a query can carry a code.
 */
export function createApp(routers: readonly Router[], options: AppOptions = {}): Koa {
  const { publicUrl = '', observe = () => {} } = options
  const app = new Koa()
  app.use(nameRequest).use(logRequest(observe)).use(layOutJson).use(answerErrors)
  app.use(setHeaders(publicUrl)).use(refuseUnrouted)
  app.use(new Router().allowedMethods())
  for (const router of routers) app.use(router.routes())
  // What the boundary cannot answer any more: an answer that broke off while it was sent.
  app.on('error', (err: unknown) => log.warn({ err }, 'an answer broke off'))
  return app
}

/** The routes of routers, as `GET /healthz`; that each GET takes HEAD as well is left out. */
export function routesOf(routers: readonly Router[]): string[] {
  return routers.flatMap(({ stack }) =>
    stack.flatMap(({ methods, path }) =>
      methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
    ),
  )
}

function logRequest(observe: (request: Observed) => void): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now()
    await next()
    const ms = performance.now() - startedAt
    const { method, status } = ctx
    const route = routeOf(ctx)
    log.info({ method, route, status, ms: Math.round(ms) }, 'request')
    observe({ method, route, status, ms })
  }
}

/**
 * Whoever steers the service by hand reads its answers in a terminal: an object goes out indented, and
 * leaves the prompt a line of its own. What programs read in bulk is text by now and stays as it is.
 */
const layOutJson: Middleware = async (ctx, next) => {
  await next()
  const { body } = ctx
  const isObject = typeof body === 'object' && body !== null
  if (!isObject || body instanceof Stream || Buffer.isBuffer(body)) return
  ctx.body = `${JSON.stringify(body, null, 2)}\n`
}

const answerErrors: Middleware = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const answer = errorAnswer(error)
    if (answer.status >= 500) {
      log.error({ method: ctx.method, route: routeOf(ctx), err: error }, 'request failed')
    }
    sendAnswer(ctx, answer)
  }
}

/** Gives the answer of the router to an unknown address or method the form of all errors. */
const refuseUnrouted: Middleware = async (ctx, next) => {
  await next()
  if (ctx.body !== undefined && ctx.body !== null) return
  // A method that no address takes is one that this address does not take.
  const methods = ctx.response.get('allow')
  if (ctx.status === 405 || ctx.status === 501)
    sendAnswer(ctx, methods === '' ? refusalAnswer(404) : refusalAnswer(405, methods))
  else if (ctx.status === 404) sendAnswer(ctx, refusalAnswer(404))
}

function routeOf(ctx: Context): string {
  const route: unknown = ctx['_matchedRoute']
  return typeof route === 'string' ? route : 'none'
}
