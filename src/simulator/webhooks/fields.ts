import type { Authentication, WebhookFields } from './webhook.ts'
import type { Answer } from '../api/answer.ts'
import { recordInvalid } from '../api/answer.ts'

export type Reading = { readonly fields: WebhookFields } | { readonly refusal: Answer }

/**
 * What a request says about a webhook, over what is known of it. A webhook that listens to events
 * needs POST and JSON, and whether it listens to events or to triggers never changes.
 */
export function readFields(body: unknown, before: WebhookFields): Reading {
  const given = (body as { readonly webhook?: Partial<WebhookFields> } | null)?.webhook
  if (typeof given !== 'object' || given === null) {
    return { refusal: recordInvalid('webhook', 'is missing') }
  }
  const fields: WebhookFields = {
    name: text(given.name, before.name),
    description: text(given.description, before.description),
    status: given.status === 'inactive' || given.status === 'active' ? given.status : before.status,
    endpoint: text(given.endpoint, before.endpoint),
    http_method: text(given.http_method, before.http_method),
    request_format: text(given.request_format, before.request_format),
    subscriptions: given.subscriptions ?? before.subscriptions,
    authentication: (given.authentication ?? before.authentication) as Authentication | null,
    custom_headers: given.custom_headers ?? before.custom_headers,
  }
  const refusal = mistakeIn(fields, before)
  return refusal === null ? { fields } : { refusal }
}

function mistakeIn(fields: WebhookFields, before: WebhookFields): Answer | null {
  if (fields.name === '') return recordInvalid('name', 'cannot be blank')
  if (!URL.canParse(fields.endpoint) || !isReachable(new URL(fields.endpoint))) {
    return recordInvalid('endpoint', 'must be an https address')
  }
  const listens = listensToEvents(fields)
  if (listens && (fields.http_method !== 'POST' || fields.request_format !== 'json')) {
    return recordInvalid('http_method', 'must be POST with format json for event subscriptions')
  }
  const isKnown = before.subscriptions.length > 0
  if (isKnown && listens !== listensToEvents(before)) {
    return recordInvalid('subscriptions', 'cannot change between events and triggers')
  }
  return null
}

/** Loopback stands in for the public addresses that Zendesk demands. */
function isReachable(url: URL): boolean {
  return url.protocol === 'https:' || ['localhost', '127.0.0.1'].includes(url.hostname)
}

function listensToEvents(fields: WebhookFields): boolean {
  return fields.subscriptions.some((type) => type.startsWith('zen:event-type:'))
}

function text(value: unknown, before: string): string {
  return typeof value === 'string' ? value : before
}
