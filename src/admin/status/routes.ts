import Router from '@koa/router'
import { DateTime } from 'luxon'
import type { Config } from '../../platform/config/config.ts'
import { requireRead } from '../../platform/http/auth.ts'
import { readVersion } from '../../platform/config/version.ts'
import { statusJson } from './status-json.ts'
import { type StatusDeps, lookOnce } from './status-once.ts'

export interface StatusRouteDeps extends StatusDeps {
  readonly config: Config
}

/** The one page that says whether a person has to do something, and what. */
export function statusRoutes({ db, sinks, config }: StatusRouteDeps): Router {
  const router = new Router()
  const version = readVersion()
  router.get('/admin/status', requireRead(config.secrets), async (ctx) => {
    const { syncTimeUtc } = config
    const look = await lookOnce({ db, sinks })
    ctx.body = statusJson(look, { version, syncTimeUtc, now: DateTime.utc() })
  })
  return router
}
