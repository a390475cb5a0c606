import Router from '@koa/router'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import { z } from 'zod'
import type { Database } from '../../db/schema.ts'
import { readCursor } from '../cursor/store.ts'
import { IntegrationId, RunId } from '../ids.ts'
import type { Integration } from '../integration/integration.ts'
import { findIntegration, listIntegrations } from '../integration/store.ts'
import { requireRead } from '../platform/http/auth.ts'
import type { Config } from '../platform/config.ts'
import { RequestError } from '../platform/errors.ts'
import { parseId, parseInput, parsePage, toPage } from '../platform/http/input.ts'
import { findRun, latestRun, listRuns } from '../run/store.ts'
import { findWorkspace } from '../workspace/store.ts'
import { type Overview, integrationJson } from './integration-json.ts'
import { runJson } from './run-json.ts'
import { countTickets, readAccountBudget, readLastSlot, readTokenTimes } from './store.ts'

export interface IntegrationDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

const IntegrationQuery = z.object({
  status: z.enum(['pending', 'active', 'paused', 'errored', 'disconnected']).optional(),
})

/** The connections to Zendesk accounts: how they are, and what was done for them. */
export function integrationRoutes({ db, config }: IntegrationDeps): Router {
  const router = new Router()
  const read = requireRead(config.secrets)

  router.get('/admin/integrations', read, async (ctx) => {
    const { limit, after } = parsePage(ctx, IntegrationId)
    const { status } = parseInput(IntegrationQuery, ctx.query)
    const found = await listIntegrations(db, { limit: limit + 1, after, status })
    const page = toPage(found, limit, { keyOf: ({ id }) => id, toJson: (row) => row })
    const data = []
    for (const row of page.data) data.push(await showIntegration({ db, config }, row))
    ctx.body = { ...page, data }
  })

  router.get('/admin/integrations/:integration_id', read, async (ctx) => {
    const integration = await knownIntegration(db, ctx.params['integration_id'])
    ctx.body = await showIntegration({ db, config }, integration)
  })

  router.get('/admin/integrations/:integration_id/runs', read, async (ctx) => {
    const { id } = await knownIntegration(db, ctx.params['integration_id'])
    const { limit, after } = parsePage(ctx, RunId)
    const before = after === undefined ? {} : { before: after }
    const runs = await listRuns(db, id, { limit: limit + 1, ...before })
    ctx.body = toPage(runs, limit, { keyOf: (run) => run.id, toJson: runJson })
  })

  router.get('/admin/integrations/:integration_id/runs/:run_id', read, async (ctx) => {
    const { id } = await knownIntegration(db, ctx.params['integration_id'])
    const run = await findRun(db, parseId(RunId, ctx.params['run_id'], 'run'))
    if (run?.integrationId !== id) throw new RequestError(404, 'not_found', 'there is no such run')
    ctx.body = runJson(run)
  })
  return router
}

async function knownIntegration(
  db: Kysely<Database>,
  text: string | undefined,
): Promise<Integration> {
  const integration = await findIntegration(db, parseId(IntegrationId, text, 'integration'))
  if (integration === undefined) {
    throw new RequestError(404, 'not_found', 'there is no such integration')
  }
  return integration
}

async function showIntegration({ db, config }: IntegrationDeps, integration: Integration) {
  const { publicUrl, zendesk } = config
  const overview = await readOverview(db, integration, zendesk.quotaShare)
  return integrationJson(overview, { publicUrl, minuteMs: zendesk.minuteMs })
}

async function readOverview(
  db: Kysely<Database>,
  integration: Integration,
  defaultShare: number,
): Promise<Overview> {
  const { id, workspaceId, subdomain } = integration
  const workspace = await findWorkspace(db, workspaceId)
  return {
    integration,
    cursor: await readCursor(db, id),
    backfill: await latestRun(db, id, 'backfill'),
    lastRun: await latestRun(db, id),
    lastSlot: await readLastSlot(db, id),
    token: await readTokenTimes(db, id),
    counts: await countTickets(db, id),
    budget: await readAccountBudget(db, subdomain),
    quotaShare: workspace?.quotaShare ?? defaultShare,
    now: DateTime.utc(),
  }
}
