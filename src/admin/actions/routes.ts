import Router from '@koa/router'
import { IntegrationId } from '../../ids.ts'
import type { Config } from '../../platform/config/config.ts'
import { requireAdmin } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput } from '../../platform/http/input.ts'
import { parseQuery } from '../../platform/http/query.ts'
import { showIntegration } from '../integration-routes.ts'
import { BackfillBody, DisconnectQuery, NoBody } from './bodies.ts'
import { type DisconnectDeps, disconnectOnce } from './disconnect-once.ts'
import { pauseOnce, resumeOnce } from './pause-once.ts'
import { backfillNowOnce, syncNowOnce } from './run-now-once.ts'

/** What people ask an integration to do. Each of them changes rows; workers do the rest. */
export function actionRoutes(deps: DisconnectDeps & { readonly config: Config }): Router {
  const { config } = deps
  const router = new Router({ prefix: '/admin/integrations/:integration_id' })
  const admin = requireAdmin(config.secrets)
  const idOf = (ctx: { params: Record<string, string> }): IntegrationId =>
    parseId(IntegrationId, ctx.params['integration_id'], 'integration')

  router.post('/sync', admin, jsonBody, async (ctx) => {
    parseInput(NoBody, ctx.request.body)
    const cooldownSeconds = config.manualSyncCooldownSeconds
    const runId = await syncNowOnce(deps, idOf(ctx), { cooldownSeconds })
    ctx.status = 202
    ctx.body = { run_id: runId }
  })

  router.post('/backfill', admin, jsonBody, async (ctx) => {
    const { days = config.backfillDays } = parseInput(BackfillBody, ctx.request.body)
    const runId = await backfillNowOnce(deps, idOf(ctx), { days })
    ctx.status = 202
    ctx.body = { run_id: runId }
  })

  router.post('/pause', admin, jsonBody, async (ctx) => {
    parseInput(NoBody, ctx.request.body)
    await pauseOnce(deps, idOf(ctx))
    ctx.body = await showIntegration(deps, idOf(ctx))
  })

  router.post('/resume', admin, jsonBody, async (ctx) => {
    parseInput(NoBody, ctx.request.body)
    await resumeOnce({ ...deps, timeUtc: config.syncTimeUtc }, idOf(ctx))
    ctx.body = await showIntegration(deps, idOf(ctx))
  })

  router.delete('/', admin, async (ctx) => {
    const { purge } = parseQuery(DisconnectQuery, ctx.query)
    const left = await disconnectOnce(deps, idOf(ctx), { purge: purge === 'true' })
    ctx.status = left === 'nothing' ? 200 : 202
    ctx.body = await showIntegration(deps, idOf(ctx))
  })
  return router
}
