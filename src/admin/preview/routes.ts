import Router from '@koa/router'
import type { Context } from 'koa'
import { IntegrationId } from '../../ids.ts'
import { findIntegration } from '../../integration/store.ts'
import type { Config } from '../../platform/config/config.ts'
import { AppError, BudgetSpentError, RequestError } from '../../platform/errors.ts'
import { requireAdmin } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput } from '../../platform/http/input.ts'
import { findWorkspace } from '../../workspace/store.ts'
import { PreviewBody, previewJson } from './preview-json.ts'
import { type PreviewDeps, previewOnce } from './preview-once.ts'

/** Someone waits, and platforms cut a request off after 30 s. */
const PATIENCE_MS = 25_000

/** After what passes by itself, or was too much for one answer. */
const RETRY_AFTER_SECONDS = 60

export function previewRoutes(
  deps: Omit<PreviewDeps, 'quotaShare'> & { readonly config: Config },
): Router {
  const { db, config } = deps
  const router = new Router()
  const admin = requireAdmin(config.secrets)
  const { quotaShare } = config.zendesk

  router.post('/admin/integrations/:integration_id/preview', admin, jsonBody, async (ctx) => {
    const id = parseId(IntegrationId, ctx.params['integration_id'], 'integration')
    const body = parseInput(PreviewBody, ctx.request.body)
    const integration = await findIntegration(db, id)
    const workspace = integration && (await findWorkspace(db, integration.workspaceId))
    if (integration === undefined || workspace === undefined) {
      throw new RequestError(404, 'not_found', 'there is no such integration')
    }
    if (integration.status !== 'active') {
      const message = `an integration that is ${integration.status} cannot be previewed`
      throw new RequestError(409, 'not_active', message)
    }
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), goneOf(ctx)])
    try {
      const subject = { integration, workspace }
      const preview = await previewOnce({ ...deps, quotaShare }, subject, body, signal)
      ctx.body = previewJson(preview)
    } catch (error) {
      throw signal.aborted ? tooLong(error) : refusalOf(error)
    }
  })
  return router
}

function goneOf(ctx: Context): AbortSignal {
  const gone = new AbortController()
  ctx.res.once('close', () => gone.abort())
  return gone.signal
}

function tooLong(cause: unknown): RequestError {
  return new RequestError(503, 'unavailable', 'the preview took too long: try again later', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  })
}

/** What keeps Zendesk from being read: it passes, or a person has to see to the integration. */
function refusalOf(cause: unknown): unknown {
  if (!(cause instanceof AppError) || cause instanceof RequestError) return cause
  if (cause instanceof BudgetSpentError) {
    const seconds = Math.max(1, Math.ceil((cause.resumeAt.getTime() - Date.now()) / 1_000))
    return new RequestError(503, 'budget_spent', cause.message, {
      retryAfterSeconds: seconds,
      cause,
    })
  }
  if (cause.remedy === 'halt') {
    return new RequestError(409, 'zendesk_refused', cause.message, { cause })
  }
  return new RequestError(503, 'zendesk_unavailable', cause.message, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  })
}
