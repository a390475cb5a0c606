import type { DeliveryView, PublicationHead } from '../../outbox/delivery/redrive-store.ts'

/** Who a publication is and what became of it; what it says is for readers of the feed. */
export function publicationJson(head: PublicationHead, deliveries: readonly DeliveryView[]) {
  return {
    id: head.id,
    type: head.type,
    reason: head.reason,
    sequence: String(head.sequence),
    published_at: head.publishedAt.toISO(),
    workspace_id: head.workspaceId,
    integration_id: head.integrationId,
    ticket_id: head.ticketId,
    revision: head.revision,
    newest: !head.hasNewer,
    erased: head.isErased,
    deliveries: deliveries.map(deliveryJson),
  }
}

function deliveryJson(delivery: DeliveryView) {
  return {
    sink_id: delivery.sinkId,
    sink_state: delivery.sinkState,
    state: delivery.state,
    replayed: delivery.replayed,
    attempts: delivery.attempts,
    outcome: delivery.outcome,
    next_attempt_at: delivery.nextAttemptAt?.toISO() ?? null,
    settled_at: delivery.settledAt?.toISO() ?? null,
    history: delivery.history,
  }
}
