import Router from '@koa/router'
import type { Kysely } from 'kysely'
import { pendingMigrations } from '../../db/migrate.ts'
import type { Database } from '../../db/schema.ts'
import { RequestError } from '../platform/errors.ts'
import { errorAnswer, sendAnswer } from '../platform/http/error-answer.ts'

const RETRY_AFTER_SECONDS = 10

interface HealthDeps {
  readonly db: Kysely<Database>
  /** Aborts when the process is about to stop. */
  readonly leaving: AbortSignal
}

/** For the platform that runs us: whether the process lives, and whether it can do its work. */
export function healthRoutes({ db, leaving }: HealthDeps): Router {
  const router = new Router()
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' }
  })
  router.get('/readyz', async (ctx) => {
    // No error that anybody has to look at, and told again and again while it lasts.
    if (leaving.aborted) return sendAnswer(ctx, errorAnswer(notReady('this process stops')))
    const pending = await pendingMigrations(db)
    if (pending > 0) throw notReady('the database lacks migrations')
    ctx.body = { status: 'ok' }
  })
  return router
}

function notReady(why: string): RequestError {
  return new RequestError(503, 'unavailable', why, { retryAfterSeconds: RETRY_AFTER_SECONDS })
}
