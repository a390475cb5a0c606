import { isoSeconds } from '../world/clock.ts'
import { signature } from './sign.ts'
import type { Authentication, Webhook } from '../webhooks/webhook.ts'

/** A body to send; the rest is as it should be unless a test wants it wrong. */
export interface Delivery {
  readonly body: string
  readonly secret?: string
  readonly timestamp?: string
  readonly signature?: string
}

export interface AttemptOptions {
  readonly accountId: number
  readonly invocationId: string
  readonly timeoutMs: number
  readonly stop: AbortSignal
}

export interface AttemptOutcome {
  readonly statusCode: number | null
  readonly retryAfter: string | null
  readonly isTimeout: boolean
  readonly headers: Readonly<Record<string, string>>
}

/**
 * One request to the receiver. It is signed with the time of the real clock, afresh at each
 * attempt: the receiver lives in real time whatever a test did to the simulated clock.
 */
export async function attempt(
  webhook: Webhook,
  delivery: Delivery,
  options: AttemptOptions,
): Promise<AttemptOutcome> {
  const headers = headersOf(webhook, delivery, options)
  const timeout = AbortSignal.timeout(options.timeoutMs)
  try {
    const response = await fetch(webhook.fields.endpoint, {
      method: webhook.fields.http_method,
      headers,
      body: webhook.fields.http_method === 'GET' ? null : delivery.body,
      redirect: 'manual',
      signal: AbortSignal.any([timeout, options.stop]),
    })
    await response.arrayBuffer()
    const retryAfter = response.headers.get('retry-after')
    return { statusCode: response.status, retryAfter, isTimeout: false, headers }
  } catch {
    // Whatever went wrong on the wire, the receiver did not take the event.
    return { statusCode: null, retryAfter: null, isTimeout: timeout.aborted, headers }
  }
}

function headersOf(
  webhook: Webhook,
  delivery: Delivery,
  options: AttemptOptions,
): Record<string, string> {
  const timestamp = delivery.timestamp ?? isoSeconds(Math.floor(Date.now() / 1000))
  const secret = delivery.secret ?? webhook.secret
  return {
    ...webhook.fields.custom_headers,
    ...authenticationHeader(webhook.fields.authentication),
    'Content-Type': 'application/json; charset=utf-8',
    'User-Agent': 'Zendesk Webhook',
    'X-Zendesk-Account-Id': String(options.accountId),
    'X-Zendesk-Webhook-Id': webhook.id,
    'X-Zendesk-Webhook-Invocation-Id': options.invocationId,
    'X-Zendesk-Webhook-Signature':
      delivery.signature ?? signature(secret, timestamp, delivery.body),
    'X-Zendesk-Webhook-Signature-Timestamp': timestamp,
  }
}

function authenticationHeader(authentication: Authentication | null): Record<string, string> {
  if (authentication === null) return {}
  const { type, data } = authentication
  if (type === 'bearer_token') return { Authorization: `Bearer ${data['token'] ?? ''}` }
  if (type === 'api_key') return { [data['name'] ?? 'X-Api-Key']: data['value'] ?? '' }
  const pair = Buffer.from(`${data['username'] ?? ''}:${data['password'] ?? ''}`)
  return { Authorization: `Basic ${pair.toString('base64')}` }
}
