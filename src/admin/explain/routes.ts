import Router from '@koa/router'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { IntegrationId, TicketAddress, WorkspaceId } from '../../ids.ts'
import { findIntegration } from '../../integration/store.ts'
import { databaseClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config/config.ts'
import { RequestError } from '../../platform/errors.ts'
import { requireRead } from '../../platform/http/auth.ts'
import { parseId } from '../../platform/http/input.ts'
import { findWorkspace } from '../../workspace/store.ts'
import { explainJson } from './explain-json.ts'
import { readTicketFacts } from './explain-store.ts'
import { scheduleJson } from './schedule-json.ts'

/** Why something is as it is, from our rows alone: nothing is asked of Zendesk. */
export function explainRoutes({ db, config }: { db: Kysely<Database>; config: Config }): Router {
  const router = new Router()
  const read = requireRead(config.secrets)

  router.get('/admin/workspaces/:workspace_id/schedule', read, async (ctx) => {
    const id = parseId(WorkspaceId, ctx.params['workspace_id'], 'workspace')
    const workspace = await findWorkspace(db, id)
    if (workspace === undefined) throw missing('workspace')
    ctx.body = scheduleJson(workspace, config.syncTimeUtc, await databaseClock(db))
  })

  router.get(
    '/admin/integrations/:integration_id/tickets/:ticket_id/explain',
    read,
    async (ctx) => {
      const id = parseId(IntegrationId, ctx.params['integration_id'], 'integration')
      const ticketId = parseId(TicketAddress, ctx.params['ticket_id'], 'ticket')
      const explained = await db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (trx) => {
          const integration = await findIntegration(trx, id)
          const workspace = integration && (await findWorkspace(trx, integration.workspaceId))
          if (integration === undefined || workspace === undefined) throw missing('integration')
          const owner = { integrationId: id, workspaceId: workspace.id }
          const facts = await readTicketFacts(trx, owner, ticketId)
          const { ticket, transcript, hints } = facts
          if (ticket === undefined && transcript === undefined && hints.length === 0) {
            throw missing('ticket: no run has seen it, and no hint tells of it')
          }
          return { integration, workspace, ticketId, facts }
        })
      ctx.body = explainJson(explained)
    },
  )
  return router
}

function missing(what: string): RequestError {
  return new RequestError(404, 'not_found', `there is no such ${what}`)
}
