import type { Account } from '../account.ts'
import { ticketEvent } from './payload.ts'
import { prettyJson } from './sign.ts'
import type { Invocation, Webhook } from '../webhooks/webhook.ts'

/**
 * A delivery made to measure, beside what mutations send: an unknown type, another account's id,
 * a stale timestamp, the public test secret, a body of a megabyte. What is not named is as it
 * should be.
 */
export interface RawDelivery {
  /** All active webhooks of the account when left out. */
  readonly webhookId?: string
  /** The body as it is; otherwise an event about `ticketId`, with these changes. */
  readonly body?: string
  readonly ticketId?: number
  readonly type?: string
  readonly envelope?: Readonly<Record<string, unknown>>
  readonly detail?: Readonly<Record<string, unknown>>
  readonly event?: Readonly<Record<string, unknown>>
  readonly paddingBytes?: number
  readonly secret?: string
  readonly timestamp?: string
  readonly signature?: string
  /** Deliveries of the same event. */
  readonly copies?: number
}

export interface DeliveryOutcome {
  readonly webhookId: string
  readonly status: Invocation['status']
  /** Status of the last answer; `null` when none came. */
  readonly statusCode: number | null
  readonly attempts: number
}

export async function sendRaw(account: Account, raw: RawDelivery): Promise<DeliveryOutcome[]> {
  const body = raw.body ?? prettyJson(eventOf(account, raw))
  const delivery = {
    body,
    ...(raw.secret === undefined ? {} : { secret: raw.secret }),
    ...(raw.timestamp === undefined ? {} : { timestamp: raw.timestamp }),
    ...(raw.signature === undefined ? {} : { signature: raw.signature }),
  }
  const invocations: Promise<Invocation>[] = []
  for (let copy = 0; copy < (raw.copies ?? 1); copy++) {
    for (const webhook of receivers(account, raw)) {
      invocations.push(account.webhooks.deliver(webhook, delivery))
    }
  }
  return (await Promise.all(invocations)).map(({ webhookId, status, statusCode, attempts }) => ({
    webhookId,
    status,
    statusCode,
    attempts: attempts.length,
  }))
}

function receivers(account: Account, raw: RawDelivery): readonly Webhook[] {
  return account.webhooks
    .list()
    .filter((webhook) =>
      raw.webhookId === undefined
        ? webhook.fields.status === 'active'
        : webhook.id === raw.webhookId,
    )
}

function eventOf(account: Account, raw: RawDelivery): Record<string, unknown> {
  const { tickets, clock, webhooks } = account
  const ticketId = raw.ticketId ?? 1
  const ticket = tickets.find(ticketId)
  if (ticket === null) throw new RangeError(`no ticket ${ticketId}`)
  const frame = { sequence: webhooks.nextSequence(), nowMs: clock.now() }
  const occurrence = { type: 'created', ticketId, actorId: ticket.requesterId } as const
  const event = ticketEvent(tickets, ticket, occurrence, frame)
  const padding = raw.paddingBytes === undefined ? {} : { padding: 'x'.repeat(raw.paddingBytes) }
  return {
    ...event,
    type: `zen:event-type:${raw.type ?? 'ticket.created'}`,
    detail: { ...(event['detail'] as Record<string, unknown>), ...raw.detail },
    event: { ...(event['event'] as Record<string, unknown>), ...raw.event, ...padding },
    ...raw.envelope,
  }
}
