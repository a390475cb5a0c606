import Router from '@koa/router'
import type { Kysely, Transaction } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { readCursor } from '../cursor/store.ts'
import { IntegrationId, RunId } from '../ids.ts'
import type { Integration } from '../integration/integration.ts'
import { findDisconnection } from '../integration/disconnection/store.ts'
import { findIntegration, listIntegrations } from '../integration/store.ts'
import { requireRead } from '../platform/http/auth.ts'
import type { Config } from '../platform/config/config.ts'
import { RequestError } from '../platform/errors.ts'
import { parseId } from '../platform/http/input.ts'
import { parsePage, parseQuery, toPage } from '../platform/http/query.ts'
import { findRun, latestRun, listRuns } from '../run/store.ts'
import { nextSlotAfter } from '../workspace/calendar.ts'
import { findWorkspace } from '../workspace/store.ts'
import { IntegrationQuery, type Overview, integrationJson } from './integration-json.ts'
import { runJson } from './run-json.ts'
import {
  countTickets,
  readAccountBudget,
  readLastSlot,
  readQuarantine,
  readTokenTimes,
} from './store.ts'
import { readWebhookState } from './webhook/state-store.ts'

export interface IntegrationDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** The connections to Zendesk accounts: how they are, and what was done for them. */
export function integrationRoutes({ db, config }: IntegrationDeps): Router {
  const router = new Router()
  const read = requireRead(config.secrets)

  router.get('/admin/integrations', read, async (ctx) => {
    const { limit, after } = parsePage(ctx, IntegrationId)
    const { status } = parseQuery(IntegrationQuery, ctx.query)
    const found = await listIntegrations(db, { limit: limit + 1, after, status })
    const page = toPage(found, limit, { keyOf: ({ id }) => id, toJson: (row) => row })
    const data = []
    for (const { id } of page.data) data.push(await showIntegration({ db, config }, id))
    ctx.body = { ...page, data }
  })

  router.get('/admin/integrations/:integration_id', read, async (ctx) => {
    ctx.body = await showIntegration({ db, config }, ctx.params['integration_id'])
  })

  router.get('/admin/integrations/:integration_id/runs', read, async (ctx) => {
    const { id } = await knownIntegration(db, ctx.params['integration_id'])
    const { limit, after } = parsePage(ctx, RunId)
    const before = after === undefined ? {} : { before: after }
    const runs = await listRuns(db, id, { limit: limit + 1, ...before })
    const now = DateTime.utc()
    ctx.body = toPage(runs, limit, { keyOf: (run) => run.id, toJson: (run) => runJson(run, now) })
  })

  router.get('/admin/integrations/:integration_id/runs/:run_id', read, async (ctx) => {
    const { id } = await knownIntegration(db, ctx.params['integration_id'])
    const run = await findRun(db, parseId(RunId, ctx.params['run_id'], 'run'))
    if (run?.integrationId !== id) throw new RequestError(404, 'not_found', 'there is no such run')
    ctx.body = runJson(run, DateTime.utc(), await readQuarantine(db, id))
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

/** The integration as people see it. */
export async function showIntegration({ db, config }: IntegrationDeps, id: string | undefined) {
  const overview = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const integration = await knownIntegration(trx, id)
      return readOverview(trx, integration, config)
    })
  const { publicUrl, zendesk } = config
  return integrationJson(overview, { publicUrl, minuteMs: zendesk.minuteMs })
}

/** Read in one snapshot: a run that failed is never shown beside an integration that still works. */
async function readOverview(
  trx: Transaction<Database>,
  integration: Integration,
  { syncTimeUtc, zendesk }: Config,
): Promise<Overview> {
  const { id, workspaceId, subdomain, status } = integration
  const workspace = await findWorkspace(trx, workspaceId)
  const now = DateTime.utc()
  const isScheduled = workspace !== undefined && status === 'active'
  return {
    integration,
    cursor: await readCursor(trx, id),
    backfill: await latestRun(trx, id, 'backfill'),
    lastRun: await latestRun(trx, id),
    lastSlot: await readLastSlot(trx, id),
    nextSlot: isScheduled ? nextSlotAfter(workspace, syncTimeUtc, now) : null,
    webhook: await readWebhookState(trx, id),
    token: await readTokenTimes(trx, id),
    counts: await countTickets(trx, id),
    quarantine: await readQuarantine(trx, id),
    disconnection: status === 'disconnected' ? await findDisconnection(trx, id) : undefined,
    budget: await readAccountBudget(trx, subdomain),
    quotaShare: workspace?.quotaShare ?? zendesk.quotaShare,
    now,
  }
}
