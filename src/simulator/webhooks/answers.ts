import { TEST_SECRET } from '../delivery/sign.ts'
import type { Invocation, Webhook, WebhookFields } from './webhook.ts'
import { isoSeconds } from '../world/clock.ts'
import { ADMIN_NUMBER, userId } from '../world/ids.ts'
import type { Answer, Call } from '../api/answer.ts'
import { noContent, ok, recordInvalid, recordNotFound } from '../api/answer.ts'
import { readFields } from './fields.ts'

const NEW: WebhookFields = {
  name: '',
  description: '',
  status: 'active',
  endpoint: '',
  http_method: 'POST',
  request_format: 'json',
  subscriptions: [],
  authentication: null,
  custom_headers: {},
}

export function createWebhook(call: Call): Answer {
  const original = call.account.webhooks.get(call.query.get('clone_webhook_id') ?? '')
  const read = readFields(call.body, original?.fields ?? NEW)
  if ('refusal' in read) return read.refusal
  const { most } = call.account.settings.webhooks
  if (most !== null && call.account.webhooks.list().length >= most) {
    return recordInvalid('webhook', 'the limit of webhooks of this plan is reached')
  }
  const webhook = call.account.webhooks.create(read.fields, String(userId(ADMIN_NUMBER)))
  // Right after its creation the instant has nine digits, ever after none.
  const exact = `${new Date(webhook.createdAt).toISOString().slice(0, 23)}166385Z`
  return { status: 201, body: { webhook: { ...webhookJson(webhook), created_at: exact } } }
}

export function listWebhooks(call: Call): Answer {
  const part = call.query.get('filter[name_contains]') ?? ''
  const webhooks = call.account.webhooks
    .list()
    .filter((webhook) => webhook.fields.name.includes(part))
    .map(webhookJson)
  return ok({ webhooks, ...lastPage })
}

export function showWebhook(call: Call): Answer {
  const webhook = webhookOf(call)
  return webhook === null ? recordNotFound : ok({ webhook: webhookJson(webhook) })
}

/** PUT replaces what it names, as PATCH does; what a webhook listens to stays as it was made. */
export function updateWebhook(call: Call): Answer {
  const webhook = webhookOf(call)
  if (webhook === null) return recordNotFound
  const read = readFields(call.body, webhook.fields)
  if ('refusal' in read) return read.refusal
  webhook.fields = read.fields
  return noContent
}

export function deleteWebhook(call: Call): Answer {
  return call.account.webhooks.remove(call.params[0] ?? '') ? noContent : recordNotFound
}

export function showSigningSecret(call: Call): Answer {
  const webhook = webhookOf(call)
  return webhook === null ? recordNotFound : ok(secretJson(webhook))
}

/** A new secret; the old one is worthless at once. */
export function renewSigningSecret(call: Call): Answer {
  const webhook = webhookOf(call)
  if (webhook === null) return recordNotFound
  call.account.webhooks.renewSecret(webhook)
  return { status: 201, body: secretJson(webhook) }
}

/** Sends a test; that of a webhook which is not saved yet is signed with the public secret. */
export async function testWebhook(call: Call): Promise<Answer> {
  const saved = call.account.webhooks.get(call.query.get('webhook_id') ?? '')
  const request = (call.body as { readonly request?: Record<string, unknown> } | null)?.request
  const body = typeof request?.['payload'] === 'string' ? request['payload'] : '{"test":true}'
  const endpoint = request?.['endpoint']
  const webhook = saved ?? unsaved(typeof endpoint === 'string' ? endpoint : '')
  if (webhook.fields.endpoint === '') return recordNotFound
  const { attempts, statusCode } = await call.account.webhooks.deliver(webhook, { body })
  return ok({ response: { status: statusCode, headers: [], attempts: attempts.length } })
}

export function listInvocations(call: Call): Answer {
  const webhook = webhookOf(call)
  if (webhook === null) return recordNotFound
  const invocations = call.account.webhooks.invocations(webhook.id).map(invocationJson)
  return ok({ ...lastPage, invocations })
}

export function listAttempts(call: Call): Answer {
  const [webhookId = '', id] = call.params
  const found = call.account.webhooks.invocations(webhookId).find((entry) => entry.id === id)
  if (found === undefined) return recordNotFound
  const attempts = found.attempts.map((entry, place) => ({
    id: `${found.id}${place}`,
    completed_at: isoSeconds(Math.floor(entry.at / 1000)),
    status_code: entry.statusCode,
    request: {
      headers: Object.entries(entry.headers).map(([key, value]) => ({ key, value })),
      payload: entry.body,
    },
  }))
  return ok({ attempts, ...lastPage })
}

const lastPage = { meta: { has_more: false, after_cursor: null }, links: { next: null } }

function webhookOf(call: Call): Webhook | null {
  return call.account.webhooks.get(call.params[0] ?? '')
}

function unsaved(endpoint: string): Webhook {
  const fields = { ...NEW, endpoint }
  return { id: 'unsaved', createdAt: 0, createdBy: '', secret: TEST_SECRET, fields }
}

/** Secrets never come back: of the authentication only its kind does. */
function webhookJson(webhook: Webhook): Record<string, unknown> {
  const { authentication, custom_headers, ...fields } = webhook.fields
  const json: Record<string, unknown> = {
    id: webhook.id,
    ...fields,
    created_at: isoSeconds(Math.floor(webhook.createdAt / 1000)),
    created_by: webhook.createdBy,
  }
  if (authentication !== null) {
    json['authentication'] = {
      type: authentication.type,
      add_position: authentication.add_position,
    }
  }
  if (Object.keys(custom_headers).length > 0) json['custom_headers'] = custom_headers
  return json
}

function secretJson(webhook: Webhook): Record<string, unknown> {
  return { signing_secret: { secret: webhook.secret, algorithm: 'SHA256' } }
}

function invocationJson(invocation: Invocation): Record<string, unknown> {
  const json: Record<string, unknown> = {
    id: invocation.id,
    status: invocation.status,
    latest_completed_at: isoSeconds(Math.floor(invocation.completedAt / 1000)),
  }
  if (invocation.statusCode !== null) json['status_code'] = invocation.statusCode
  return json
}
