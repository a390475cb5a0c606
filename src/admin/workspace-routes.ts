import Router from '@koa/router'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'
import { requireAdmin } from '../platform/http/auth.ts'
import { databaseClock } from '../platform/clock.ts'
import type { Config } from '../platform/config/config.ts'
import { RequestError } from '../platform/errors.ts'
import { jsonBody, parseId, parseInput } from '../platform/http/input.ts'
import { parsePage, toPage } from '../platform/http/query.ts'
import { findWorkspace, listWorkspaces } from '../workspace/store.ts'
import { changeWorkspaceOnce } from './change-workspace-once.ts'
import { WorkspaceBody, toSettingsChange, workspaceJson } from './workspace-json.ts'

/** The customers of ours and their settings. */
export function workspaceRoutes({ db, config }: { db: Kysely<Database>; config: Config }): Router {
  const router = new Router()
  const admin = requireAdmin(config.secrets)
  const deps = { db, clock: databaseClock, timeUtc: config.syncTimeUtc }

  router.get('/admin/workspaces', admin, async (ctx) => {
    const { limit, after } = parsePage(ctx, WorkspaceId)
    const rows = await listWorkspaces(db, { limit: limit + 1, after })
    ctx.body = toPage(rows, limit, { keyOf: (row) => row.id, toJson: workspaceJson })
  })

  router.get('/admin/workspaces/:workspace_id', admin, async (ctx) => {
    const id = parseId(WorkspaceId, ctx.params['workspace_id'], 'workspace')
    const workspace = await findWorkspace(db, id)
    if (workspace === undefined) {
      throw new RequestError(404, 'not_found', 'there is no such workspace')
    }
    ctx.body = workspaceJson(workspace)
  })

  router.put('/admin/workspaces/:workspace_id', admin, jsonBody, async (ctx) => {
    const address = { workspace_id: ctx.params['workspace_id'] }
    const { workspace_id: id } = parseInput(WorkspaceAddress, address)
    const change = toSettingsChange(parseInput(WorkspaceBody, ctx.request.body))
    const { workspace, isNew } = await changeWorkspaceOnce(deps, id, change)
    ctx.status = isNew ? 201 : 200
    ctx.body = workspaceJson(workspace)
  })
  return router
}

const WorkspaceAddress = z.object({ workspace_id: WorkspaceId })
