import Router from '@koa/router'
import type { Context } from 'koa'
import { IntegrationId, WorkspaceId } from '../ids.ts'
import { requireAdmin } from '../platform/http/auth.ts'
import { errorAnswer } from '../platform/http/error-answer.ts'
import { RequestError } from '../platform/errors.ts'
import { jsonBody, parseId, parseInput } from '../platform/http/input.ts'
import { connectLog as log } from '../platform/log.ts'
import { type Invitation, beginConnectOnce, beginReconnectOnce } from './begin-once.ts'
import { type CallbackDeps, callbackOnce } from './callback-once.ts'
import { CallbackQuery, ConnectBody } from './openapi/operations.ts'
import { type Notice, noticeOf } from './outcome.ts'
import { pageHeaders, renderPage } from './page.ts'

/**
 * Connecting an account: an administrator of ours asks for a link, an administrator of the account
 * opens it, consents at Zendesk and comes back to the callback, which only its `state` opens.
 */
export function connectRoutes(deps: CallbackDeps): Router {
  const router = new Router()
  const admin = requireAdmin(deps.config.secrets)

  router.post('/admin/workspaces/:workspace_id/zendesk', admin, jsonBody, async (ctx) => {
    const workspaceId = parseId(WorkspaceId, ctx.params['workspace_id'], 'workspace')
    const { subdomain } = parseInput(ConnectBody, ctx.request.body)
    ctx.status = 201
    ctx.body = toJson(await beginConnectOnce(deps, workspaceId, subdomain))
  })

  router.post('/admin/integrations/:integration_id/reconnect', admin, async (ctx) => {
    const id = parseId(IntegrationId, ctx.params['integration_id'], 'integration')
    ctx.body = toJson(await beginReconnectOnce(deps, id))
  })

  router.get('/oauth/zendesk/callback', async (ctx) => {
    // A look ahead by some program must not use the state up.
    if (ctx.method === 'HEAD')
      throw new RequestError(405, 'method_not_allowed', 'expected GET', {
        headers: { allow: 'GET' },
      })
    showPage(ctx, await finish(deps, ctx))
  })
  return router
}

/** A person waits for a page: what goes wrong unexpectedly is told on one as well. */
async function finish(deps: CallbackDeps, ctx: Context): Promise<Notice> {
  try {
    return noticeOf(await callbackOnce(deps, CallbackQuery.parse(ctx.query)))
  } catch (error) {
    log.error({ err: error }, 'callback failed')
    return {
      status: errorAnswer(error).status,
      title: 'The account was not connected',
      text: 'Something went wrong on our side; it is logged.',
      next: 'Ask for a new link and open it in a few minutes.',
    }
  }
}

function showPage(ctx: Context, { status, ...text }: Notice): void {
  ctx.status = status
  ctx.set(pageHeaders)
  ctx.body = renderPage(text)
}

function toJson({ integrationId, authorizeUrl, expiresAt }: Invitation) {
  return {
    integration_id: integrationId,
    authorize_url: authorizeUrl,
    expires_at: expiresAt.toISO(),
  }
}
