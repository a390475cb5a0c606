import Router from '@koa/router'
import type { Kysely } from 'kysely'
import { pendingMigrations } from '../../db/migrate.ts'
import type { Database } from '../../db/schema.ts'
import { RequestError } from '../platform/errors.ts'

const RETRY_AFTER_SECONDS = 10

/** For the platform that runs us: whether the process lives, and whether it can do its work. */
export function healthRoutes({ db }: { db: Kysely<Database> }): Router {
  const router = new Router()
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' }
  })
  router.get('/readyz', async (ctx) => {
    const pending = await pendingMigrations(db)
    if (pending > 0) {
      throw new RequestError(503, 'unavailable', 'the database lacks migrations', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    }
    ctx.body = { status: 'ok' }
  })
  return router
}
