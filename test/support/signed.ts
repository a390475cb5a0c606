import { createHmac } from 'node:crypto'

/** What a webhook of Zendesk signs with when a test has given it this secret. */
export const SIGNING_SECRET = 'c2lnbmluZyBzZWNyZXQgb2YgYSB0ZXN0'

export const ACCOUNT_ID = 18_525_000

export interface EventFields {
  readonly id: string
  readonly ticketId?: number | undefined
  readonly type?: string | undefined
  readonly accountId?: number | undefined
  /** Stands where a private comment would. */
  readonly words?: string | undefined
}

/** An event as Zendesk lays it out: keys in order, three spaces, a line break at the end. */
export function eventBody({ id, ticketId = 42, type, accountId, words }: EventFields): string {
  const text = words ?? 'nothing that anyone should read'
  const event = {
    account_id: accountId ?? ACCOUNT_ID,
    detail: {
      actor_id: '7',
      assignee_id: null,
      brand_id: '1',
      created_at: '2026-01-01T00:00:00Z',
      description: text,
      external_id: '',
      group_id: '0',
      id: String(ticketId),
      is_public: true,
      organization_id: null,
      requester_id: '7',
      status: 'OPEN',
      subject: text,
      tags: null,
      updated_at: '2026-01-01T00:00:00Z',
      via: { channel: 'web_service' },
    },
    event: {
      comment: {
        author: { id: '7', is_staff: false, name: text },
        body: text,
        html_body: `<p>${text}</p>`,
        id: '911',
        is_public: false,
      },
      meta: { sequence: { id: '39313930383633353634000000', position: 1 } },
    },
    id,
    subject: `zen:ticket:${ticketId}`,
    time: '2026-01-01T00:00:00.304701605Z',
    type: type ?? 'zen:event-type:ticket.comment_added',
    zendesk_event_version: '2022-11-06',
  }
  return `${JSON.stringify(event, undefined, 3)}\n`
}

export function signatureOf(secret: string, timestamp: string, body: string | Buffer): string {
  return createHmac('sha256', secret).update(timestamp).update(body).digest('base64')
}

export function timestampAt(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

export interface SignedOptions {
  readonly secret?: string | undefined
  readonly timestamp?: string | undefined
  readonly accountId?: number | undefined
}

/** The headers of a delivery. */
export function signedHeaders(
  body: string | Buffer,
  { secret = SIGNING_SECRET, timestamp, accountId }: SignedOptions = {},
): Record<string, string> {
  const at = timestamp ?? timestampAt(Date.now())
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Zendesk Webhook',
    'x-zendesk-account-id': String(accountId ?? ACCOUNT_ID),
    'x-zendesk-webhook-id': '01HZ0000000000000000000000',
    'x-zendesk-webhook-invocation-id': '01HZ0000000000000000000001',
    'x-zendesk-webhook-signature': signatureOf(secret, at, body),
    'x-zendesk-webhook-signature-timestamp': at,
  }
}
