import { EVENT_SUBSCRIPTIONS } from '../../hint/event-type.ts'
import type { IntegrationId } from '../../ids.ts'
import { webhookEndpoint } from '../../integration/webhook/endpoint.ts'
import type { WebhookSettings, ZendeskWebhook } from '../../zendesk/webhooks/webhook.ts'

/** The webhook as it is to stand at Zendesk. Its name carries the integration, and so finds it again. */
export function wantedWebhook(publicUrl: string, id: IntegrationId): WebhookSettings {
  return {
    name: `hearflow hints ${id}`,
    endpoint: webhookEndpoint(publicUrl, id),
    subscriptions: EVENT_SUBSCRIPTIONS,
  }
}

/** Whether a consent lets us make webhooks. */
export function mayMakeWebhooks(scope: string): boolean {
  const granted = scope.split(/[\s,]+/)
  return granted.includes('webhooks:write') || granted.includes('write')
}

/** What is to be done about the webhooks that stand at Zendesk. */
export interface Plan {
  /** The one that stays; null: one is to be made. */
  readonly keep: ZendeskWebhook | null
  readonly isRepairDue: boolean
  /** Ours as well, left behind by a worker that died, or by two at once. */
  readonly extraIds: readonly string[]
}

/**
 * The one that we know by its id stays, whatever became of its name and its endpoint, else the oldest
 * that is certainly ours: it has our name for exactly this integration and leads to our endpoint. Only
 * what is certainly ours is ever deleted.
 */
export function planFor(
  wanted: WebhookSettings,
  { own, listed }: { own: ZendeskWebhook | null; listed: readonly ZendeskWebhook[] },
): Plan {
  const ours = listed
    .filter(({ name, endpoint }) => name === wanted.name && endpoint === wanted.endpoint)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const keep = own ?? ours[0] ?? null
  return {
    keep,
    isRepairDue: keep !== null && !isAsWanted(keep, wanted),
    extraIds: ours.map(({ id }) => id).filter((id) => id !== keep?.id),
  }
}

function isAsWanted(
  { name, endpoint, isActive, subscriptions }: ZendeskWebhook,
  wanted: WebhookSettings,
): boolean {
  return (
    isActive &&
    name === wanted.name &&
    endpoint === wanted.endpoint &&
    new Set(subscriptions).symmetricDifference(new Set(wanted.subscriptions)).size === 0
  )
}

/**
 * What Zendesk is asked to deliver as a test: an event of no type that means anything, of no account,
 * so that nothing is learnt from it but that it came.
 */
export function testPayload(eventId: string, time: string): string {
  return JSON.stringify({
    id: eventId,
    subject: 'zen:ticket:0',
    time,
    type: 'zen:event-type:hearflow.test',
    zendesk_event_version: '2022-11-06',
    detail: {},
    event: {},
  })
}
