import Router from '@koa/router'
import { z } from 'zod'
import { PUBLIC_TEST_SECRET } from '../../credential/webhook/test-secret.ts'
import { IntegrationId } from '../../ids.ts'
import { requireAdmin } from '../../platform/http/auth.ts'
import { jsonBody, parseId, parseInput } from '../../platform/http/input.ts'
import { type IntegrationDeps, showIntegration } from '../integration-routes.ts'
import { saveSecretOnce } from './save-secret-once.ts'

/** Zendesk's secrets have 44 characters; what is much shorter or longer was copied badly. */
const LENGTHS = { least: 16, most: 200 }

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

function secretBody(isProduction: boolean) {
  const secret = z
    .string('expected the signing secret as Zendesk shows it')
    .trim()
    .min(LENGTHS.least, `expected at least ${LENGTHS.least} characters`)
    .max(LENGTHS.most, `expected at most ${LENGTHS.most} characters`)
    .regex(/^[\x21-\x7e]*$/, 'expected ASCII characters without spaces')
    .refine((text) => !isProduction || text !== PUBLIC_TEST_SECRET, {
      error: 'everybody knows this secret: it is for tests of webhooks that are not saved yet',
    })
  return z.strictObject({ secret })
}
