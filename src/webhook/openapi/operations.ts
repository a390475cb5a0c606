import { z } from 'zod'
import { type Operation, json } from '../../platform/http/openapi/operation.ts'
import { Envelope } from '../event.ts'

export const webhookOperations: readonly Operation[] = [
  {
    id: 'receiveWebhook',
    method: 'post',
    path: '/webhooks/zendesk/{integration_id}',
    summary: 'Takes an event of Zendesk as a hint to look at its ticket',
    auth: 'signature',
    headers: z.object({
      'x-zendesk-webhook-signature-timestamp': z.string(),
      'x-zendesk-account-id': z.string().optional(),
    }),
    body: Envelope,
    answers: { 200: json(z.strictObject({ status: z.enum(['stored', 'ignored']) })) },
    errors: [400, 401, 404, 413, 503],
  },
]
