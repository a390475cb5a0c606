import Router from '@koa/router'
import type { Context } from 'koa'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { SinkId, WorkspaceId } from '../../ids.ts'
import { listReplays } from '../../outbox/delivery/replay-store.ts'
import type { Sink } from '../../outbox/sink/terms.ts'
import { findSink, listSinks } from '../../outbox/sink/store.ts'
import type { Config } from '../../platform/config/config.ts'
import { requireAdmin } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput, unacceptable } from '../../platform/http/input.ts'
import { parsePage, toPage } from '../../platform/http/query.ts'
import { isPublicAddress, literalAddress } from '../../platform/net/public-address.ts'
import { findWorkspace } from '../../workspace/store.ts'
import { changeSinkOnce, deleteSinkOnce, noSink, noWorkspace } from './change-sink-once.ts'
import { SinkAddress, SinkBody, sinkJson, toSinkChange } from './sink-json.ts'

/** The receivers of a workspace's publications. */
export function sinkRoutes({ db, config }: { db: Kysely<Database>; config: Config }): Router {
  const router = new Router()
  const admin = requireAdmin(config.secrets)
  const keys = config.secrets.encryptionKeys
  const sinks = '/admin/workspaces/:workspace_id/sinks'

  router.get(sinks, admin, async (ctx) => {
    const id = workspaceOf(ctx)
    const { limit, after } = parsePage(ctx, SinkId)
    if ((await findWorkspace(db, id)) === undefined) throw noWorkspace()
    const rows = await listSinks(db, id, { limit: limit + 1, after })
    const replays = await listReplays(
      db,
      rows.map(({ name }) => name),
    )
    const toJson = (sink: Sink) => sinkJson(sink, replays)
    ctx.body = toPage(rows, limit, { keyOf: ({ sinkId }) => sinkId, toJson })
  })

  router.get(`${sinks}/:sink_id`, admin, async (ctx) => {
    const sink = await findSink(db, workspaceOf(ctx), sinkOf(ctx))
    if (sink === undefined) throw noSink()
    ctx.body = sinkJson(sink, await listReplays(db, [sink.name]))
  })

  router.put(`${sinks}/:sink_id`, admin, jsonBody, async (ctx) => {
    const workspaceId = workspaceOf(ctx)
    const { sink_id: sinkId } = parseInput(SinkAddress, { sink_id: ctx.params['sink_id'] })
    const change = toSinkChange(parseInput(SinkBody, ctx.request.body))
    if (!config.sink.allowPrivateAddresses) refusePrivate(change.url)
    const { sink, isNew, madeSecret } = await changeSinkOnce(
      { db, keys },
      { workspaceId, sinkId },
      change,
    )
    ctx.status = isNew ? 201 : 200
    const json = sinkJson(sink, await listReplays(db, [sink.name]))
    ctx.body = { ...json, ...(madeSecret !== undefined && { secret: madeSecret }) }
  })

  router.delete(`${sinks}/:sink_id`, admin, async (ctx) => {
    await deleteSinkOnce(db, { workspaceId: workspaceOf(ctx), sinkId: sinkOf(ctx) })
    ctx.status = 204
  })
  return router
}

function workspaceOf(ctx: Context): WorkspaceId {
  return parseId(WorkspaceId, ctx.params['workspace_id'], 'workspace')
}

function sinkOf(ctx: Context): SinkId {
  return parseId(SinkId, ctx.params['sink_id'], 'sink')
}

/** What a name leads to is known when it is connected to; a plain address is refused at once. */
function refusePrivate(url: string | undefined): void {
  const literal = url === undefined ? undefined : literalAddress(new URL(url).hostname)
  if (literal === undefined || isPublicAddress(literal)) return
  throw unacceptable([
    'url: expected a public address: SINK_ALLOW_PRIVATE_ADDRESSES=true allows others',
  ])
}
