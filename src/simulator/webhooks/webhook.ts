import { createHash } from 'node:crypto'

export interface Webhook {
  readonly id: string
  readonly createdAt: number
  readonly createdBy: string
  secret: string
  fields: WebhookFields
}

/** What a customer sets. */
export interface WebhookFields {
  readonly name: string
  readonly description: string
  readonly status: 'active' | 'inactive'
  readonly endpoint: string
  readonly http_method: string
  readonly request_format: string
  readonly subscriptions: readonly string[]
  readonly authentication: Authentication | null
  readonly custom_headers: Readonly<Record<string, string>>
}

export interface Authentication {
  readonly type: 'basic_auth' | 'bearer_token' | 'api_key'
  readonly add_position: string
  readonly data: Readonly<Record<string, string>>
}

export type InvocationStatus =
  | 'pending'
  | 'throttled'
  | 'success'
  | 'failed'
  | 'terminated'
  | 'circuit broken'

export interface Invocation {
  readonly id: string
  readonly webhookId: string
  status: InvocationStatus
  statusCode: number | null
  completedAt: number
  readonly attempts: Attempt[]
}

export interface Attempt {
  readonly at: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `null` for a timeout or a connection that failed. */
  readonly statusCode: number | null
}

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Twenty-six characters that sort by time; the random part comes from the seed. */
export function ulid(nowMs: number, source: string): string {
  let time = ''
  let rest = nowMs
  for (let place = 0; place < 10; place++) {
    time = (LETTERS[rest % 32] ?? '0') + time
    rest = Math.floor(rest / 32)
  }
  const noise = createHash('sha256').update(source).digest()
  return time + [...noise.subarray(0, 16)].map((byte) => LETTERS[byte % 32] ?? '0').join('')
}

export function secretOf(source: string): string {
  return createHash('sha256').update(`secret|${source}`).digest('base64')
}

/** Whether a webhook wants an event, by its full type. */
export function isSubscribed(webhook: Webhook, type: string): boolean {
  return webhook.fields.status === 'active' && webhook.fields.subscriptions.includes(type)
}
