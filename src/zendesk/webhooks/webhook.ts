import { z } from 'zod'
import type { WebhookProblem } from '../../../db/schema.ts'
import {
  WebhookRefusedError,
  ZendeskRefusedError,
  ZendeskShapeError,
} from '../../platform/errors.ts'
import { type HttpAnswer, type Reading, readFields, readResponse } from '../http/read-response.ts'

/** A webhook of an account, as far as it concerns us. */
export interface ZendeskWebhook {
  readonly id: string
  readonly name: string
  readonly endpoint: string
  readonly isActive: boolean
  /** With the prefix of the kind of event. */
  readonly subscriptions: readonly string[]
}

/** What of a webhook is ours to say. */
export interface WebhookSettings {
  readonly name: string
  readonly endpoint: string
  readonly subscriptions: readonly string[]
}

/** How a delivery ended, and when. */
export interface Invocation {
  readonly status: string
  readonly completedMs: number
}

/** It becomes part of an address. */
const webhookId = z.string().regex(/^\w{1,64}$/)

const webhook = z.object({
  id: webhookId,
  name: z.string().nullish(),
  endpoint: z.string().nullish(),
  status: z.string(),
  subscriptions: z.array(z.string()).nullish(),
})
const oneWebhook = z.object({ webhook })
const madeWebhook = z.object({ webhook: z.object({ id: webhookId }) })
const webhookPage = z.object({
  webhooks: z.array(webhook),
  meta: z.object({ has_more: z.boolean(), after_cursor: z.string().nullish() }).nullish(),
})
const signingSecret = z.object({ signing_secret: z.object({ secret: z.string().min(1).max(512) }) })
const invocation = z.object({
  status: z.string(),
  latest_completed_at: z.string().nullish(),
})
const invocationPage = z.object({ invocations: z.array(invocation) })
const testAnswer = z.object({ response: z.object({ status: z.number().nullish() }).nullish() })

/**
 * What an answer about webhooks means. Whatever is refused here stops nobody from reading tickets: a
 * scope, a role, a plan or a limit that is missing for hints is a problem of the webhook alone.
 */
export function readWebhookAnswer(answer: HttpAnswer): Reading {
  const reading = readResponse(answer)
  switch (reading.kind) {
    case 'forbidden':
      return refused(tellsOfLimit(answer) ? 'limit_reached' : 'forbidden')
    case 'invalid':
      return refused(tellsOfLimit(answer) ? 'limit_reached' : 'rejected')
    case 'failed': {
      const isScope =
        reading.error instanceof ZendeskRefusedError &&
        reading.error.integrationError === 'scope_insufficient'
      return isScope ? refused('scope_missing', reading.error) : reading
    }
    default:
      return reading
  }
}

function refused(problem: WebhookProblem, cause?: unknown): Reading {
  return { kind: 'failed', error: new WebhookRefusedError(problem, cause) }
}

/** Read to decide, never to show. */
function tellsOfLimit({ body }: HttpAnswer): boolean {
  return /limit|maximum|too many|quota/i.test(body)
}

export function settingsBody(
  { subscriptions, ...settings }: WebhookSettings,
  isNew: boolean,
): object {
  const json = { ...settings, status: 'active', subscriptions }
  if (!isNew) return { webhook: json }
  return { webhook: { ...json, http_method: 'POST', request_format: 'json' } }
}

export function listPath(namePart: string, after: string | undefined): string {
  const query = new URLSearchParams({ 'filter[name_contains]': namePart, 'page[size]': '100' })
  if (after !== undefined) query.set('page[after]', after)
  return `/api/v2/webhooks?${query.toString()}`
}

export function webhookPath(id: string, rest = ''): string {
  return `/api/v2/webhooks/${encodeURIComponent(id)}${rest}`
}

export function testPath(id: string): string {
  return `/api/v2/webhooks/test?${new URLSearchParams({ webhook_id: id }).toString()}`
}

export interface WebhookPage {
  readonly webhooks: readonly ZendeskWebhook[]
  readonly next: string | undefined
}

export function readWebhookPage(reading: Reading): WebhookPage {
  const { webhooks, meta } = readFields(webhookPage, answered(reading), 'list of webhooks')
  const next = meta?.has_more === true ? (meta.after_cursor ?? undefined) : undefined
  return { webhooks: webhooks.map(toWebhook), next }
}

/** Null if Zendesk has no such webhook (any more). */
export function readWebhook(reading: Reading): ZendeskWebhook | null {
  if (reading.kind === 'missing') return null
  return toWebhook(readFields(oneWebhook, answered(reading), 'webhook').webhook)
}

export function readMadeWebhook(reading: Reading): string {
  return readFields(madeWebhook, answered(reading), 'new webhook').webhook.id
}

export function readSigningSecret(reading: Reading): string {
  return readFields(signingSecret, answered(reading), 'signing secret').signing_secret.secret
}

/** Whether the endpoint took the test. An answer that does not speak of it is no reason to doubt it. */
export function readTest(reading: Reading): boolean {
  const { response } = readFields(testAnswer, answered(reading), 'test of a webhook')
  const status = response === null ? null : response?.status
  return status === undefined || (status !== null && status >= 200 && status < 300)
}

/** Those that have come to an end; Zendesk does not promise an order. */
export function readInvocations(reading: Reading): Invocation[] {
  if (reading.kind === 'missing') return []
  const { invocations } = readFields(invocationPage, answered(reading), 'deliveries of a webhook')
  return invocations.flatMap(({ status, latest_completed_at: at }) => {
    const completedMs = Date.parse(at ?? '')
    return Number.isNaN(completedMs) ? [] : [{ status: status.toLowerCase(), completedMs }]
  })
}

function answered(reading: Reading): object {
  if (reading.kind === 'answered') return reading.value
  throw new ZendeskShapeError('webhooks: Zendesk answers something else than expected')
}

function toWebhook({ id, name, endpoint, status, subscriptions }: z.infer<typeof webhook>) {
  return {
    id,
    name: name ?? '',
    endpoint: endpoint ?? '',
    isActive: status === 'active',
    subscriptions: subscriptions ?? [],
  }
}
