import Router from '@koa/router'
import { IntegrationId } from '../../ids.ts'
import { requireAdmin } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput } from '../../platform/http/input.ts'
import { type IntegrationDeps, showIntegration } from '../integration-routes.ts'
import { secretBody } from './secret-body.ts'
import { saveSecretOnce } from './save-secret-once.ts'

/** The secret of a webhook that a person has made at Zendesk by hand. */
export function webhookSecretRoutes({ db, config }: IntegrationDeps): Router {
  const router = new Router()
  const admin = requireAdmin(config.secrets)
  const body = secretBody(config.production)

  router.put('/admin/integrations/:integration_id/webhook-secret', admin, jsonBody, async (ctx) => {
    const id = parseId(IntegrationId, ctx.params['integration_id'], 'integration')
    const { secret } = parseInput(body, ctx.request.body)
    await saveSecretOnce({ db, keys: config.secrets.encryptionKeys }, id, secret)
    ctx.body = await showIntegration({ db, config }, id)
  })
  return router
}
