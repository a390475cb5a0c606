import { z } from 'zod'
import { IntegrationId } from '../../ids.ts'
import { type Operation, Instant, json } from '../../platform/http/openapi/operation.ts'

/** Whatever is no name of an account is told as such, a number or nothing at all as well. */
export const ConnectBody = z
  .strictObject({
    subdomain: z
      .unknown()
      .optional()
      .meta({ type: 'string', description: 'acme, or an address of the account' }),
  })
  .meta({ required: ['subdomain'] })

/** A parameter that comes twice, or empty, says nothing. */
const Text = z.string().min(1).optional().catch(undefined)

export const CallbackQuery = z.object({ state: Text, code: Text, error: Text })

const Invitation = z
  .strictObject({ integration_id: IntegrationId, authorize_url: z.url(), expires_at: Instant })
  .meta({ id: 'Invitation' })

const page = { 'text/html': z.string() }

export const connectOperations: readonly Operation[] = [
  {
    id: 'connectAccount',
    method: 'post',
    path: '/admin/workspaces/{workspace_id}/zendesk',
    summary: 'Asks for a link by which an administrator of the account lets us in',
    auth: 'admin',
    body: ConnectBody,
    answers: { 201: json(Invitation) },
    errors: [404, 409, 503],
  },
  {
    id: 'reconnectIntegration',
    method: 'post',
    path: '/admin/integrations/{integration_id}/reconnect',
    summary: 'Asks for a link to renew the consent; what was imported is kept',
    auth: 'admin',
    answers: { 200: json(Invitation) },
    errors: [404, 409, 422, 503],
  },
  {
    id: 'finishConsent',
    method: 'get',
    path: '/oauth/zendesk/callback',
    summary: 'Where a browser comes back to from the consent page of Zendesk; answers with a page',
    auth: 'state',
    query: CallbackQuery,
    answers: { 200: page, 400: page, 403: page, 422: page, 424: page, 500: page, 503: page },
    errors: [],
  },
]
