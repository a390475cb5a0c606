import Router from '@koa/router'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { requireRead } from '../../platform/http/auth.ts'
import { readVersion } from '../../platform/config/version.ts'
import type { Config } from '../../platform/config/config.ts'
import { type StatusDeps, lookOnce } from '../status/status-once.ts'
import { type Counted, rowMetrics } from './row-metrics.ts'
import { readLatencies, sumPublications, sumRequests, sumTally } from './store.ts'
import type { WebMetrics } from './web-metrics.ts'

export interface MetricsDeps extends StatusDeps {
  readonly config: Config
  readonly web: WebMetrics
}

/** Memory, CPU and event loop of this process, however many applications live in it. */
const ownProcess = new Registry()
collectDefaultMetrics({ register: ownProcess })

/**
 * Metrics as text for Prometheus. Web processes and workers are different ones, so that what workers
 * do is counted in rows, and any web process tells the same of it; of itself it tells how it answers.
 */
export function metricsRoutes({ db, sinks, config, web }: MetricsDeps): Router {
  const router = new Router()
  const version = readVersion()
  router.get('/metrics', requireRead(config.secrets), async (ctx) => {
    const look = await lookOnce({ db, sinks })
    const counted = look.kind === 'seen' ? await count({ db }) : null
    const registries = [rowMetrics({ version, look, counted }), web.registry, ownProcess]
    ctx.type = ownProcess.contentType
    ctx.body = await Registry.merge(registries).metrics()
  })
  return router
}

async function count({ db }: Pick<StatusDeps, 'db'>): Promise<Counted> {
  return {
    requests: await sumRequests(db),
    publications: await sumPublications(db),
    latencies: await readLatencies(db),
    ended: await sumTally(db),
  }
}
