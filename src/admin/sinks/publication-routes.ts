import Router from '@koa/router'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { PublicationId, WorkspaceId } from '../../ids.ts'
import { findPublication, listDeliveries } from '../../outbox/delivery/redrive-store.ts'
import type { Config } from '../../platform/config/config.ts'
import { requireAdmin, requireRead } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput } from '../../platform/http/input.ts'
import { publicationJson } from './publication-json.ts'
import { noPublication, redriveOnce } from './redrive-once.ts'
import { ReplayBody } from './replay-body.ts'
import { replayOnce } from './replay-once.ts'

interface PublicationDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** What became of publications, and how they are sent once more. */
export function publicationRoutes({ db, config }: PublicationDeps): Router {
  const router = new Router()
  const admin = requireAdmin(config.secrets)
  const read = requireRead(config.secrets)

  router.get('/admin/publications/:publication_id', read, async (ctx) => {
    const id = parseId(PublicationId, ctx.params['publication_id'], 'publication')
    const publication = await findPublication(db, id)
    if (publication === undefined) throw noPublication()
    ctx.body = publicationJson(publication, await listDeliveries(db, publication))
  })

  router.post('/admin/publications/:publication_id/redrive', admin, async (ctx) => {
    const id = parseId(PublicationId, ctx.params['publication_id'], 'publication')
    const { publication, sinks } = await redriveOnce(db, id)
    ctx.status = 202
    ctx.body = { publication_id: publication.id, sinks }
  })

  router.post('/admin/workspaces/:workspace_id/replay', admin, jsonBody, async (ctx) => {
    const workspaceId = parseId(WorkspaceId, ctx.params['workspace_id'], 'workspace')
    const body = parseInput(ReplayBody, ctx.request.body)
    const { through, sinks } = await replayOnce(db, workspaceId, body)
    ctx.status = 202
    ctx.body = { after: String(body.after), through: String(through), sinks }
  })
  return router
}
