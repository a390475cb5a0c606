import Router from '@koa/router'
import Koa from 'koa'
import type { Context, Middleware } from 'koa'
import { errorAnswer, refusalAnswer, sendAnswer } from './error-answer.ts'
import { webLog as log } from '../log.ts'

/**
 * The web application around the routes of the stages: one line in the log a request, one place in
 * which errors become answers, and headers that hold for all of them. A log line tells the pattern
 * of the route and never the address itself, for a query can carry a code.
 */
export function createApp(routers: readonly Router[]): Koa {
  const app = new Koa()
  app.use(logRequest).use(answerErrors).use(setHeaders).use(refuseUnrouted)
  app.use(new Router().allowedMethods())
  for (const router of routers) app.use(router.routes())
  // What the boundary cannot answer any more: an answer that broke off while it was sent.
  app.on('error', (err: unknown) => log.warn({ err }, 'an answer broke off'))
  return app
}

const logRequest: Middleware = async (ctx, next) => {
  const startedAt = performance.now()
  await next()
  const fields = {
    method: ctx.method,
    route: routeOf(ctx),
    status: ctx.status,
    ms: Math.round(performance.now() - startedAt),
  }
  log.info(fields, 'request')
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

const setHeaders: Middleware = (ctx, next) => {
  ctx.set('cache-control', 'no-store')
  ctx.set('x-content-type-options', 'nosniff')
  return next()
}

/** Gives the answer of the router to an unknown address or method the form of all errors. */
const refuseUnrouted: Middleware = async (ctx, next) => {
  await next()
  if (ctx.body !== undefined && ctx.body !== null) return
  // A method that no address takes is one that this address does not take.
  const hasMethods = ctx.response.get('allow') !== ''
  if (ctx.status === 405 || ctx.status === 501)
    sendAnswer(ctx, refusalAnswer(hasMethods ? 405 : 404))
  else if (ctx.status === 404) sendAnswer(ctx, refusalAnswer(404))
}

function routeOf(ctx: Context): string {
  const route: unknown = ctx['_matchedRoute']
  return typeof route === 'string' ? route : 'none'
}
