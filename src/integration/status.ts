import type { IntegrationStatus } from '../../db/schema.ts'

/** What happens to an integration. */
export type StatusEvent = 'connected' | 'failed' | 'healed' | 'paused' | 'resumed' | 'disconnected'

/**
 * The status machine. What is missing cannot happen: a disconnected integration stays so, and the
 * account comes back as another one. A fresh consent heals an error but does not end a pause; an error
 * that passes by itself brings back what was before it, also a pause (`integration/store.ts`).
 */
const transitions: Readonly<
  Record<IntegrationStatus, Partial<Readonly<Record<StatusEvent, IntegrationStatus>>>>
> = {
  pending: { connected: 'active', failed: 'errored', disconnected: 'disconnected' },
  active: {
    connected: 'active',
    failed: 'errored',
    paused: 'paused',
    disconnected: 'disconnected',
  },
  paused: {
    connected: 'paused',
    failed: 'errored',
    resumed: 'active',
    disconnected: 'disconnected',
  },
  errored: {
    connected: 'active',
    failed: 'errored',
    healed: 'active',
    disconnected: 'disconnected',
  },
  disconnected: {},
}

const statuses = Object.keys(transitions) as IntegrationStatus[]

export function statusAfter(
  status: IntegrationStatus,
  event: StatusEvent,
): IntegrationStatus | undefined {
  return transitions[status][event]
}

/** The statuses in which an event can happen. */
export function statusesBefore(event: StatusEvent): IntegrationStatus[] {
  return statuses.filter((status) => transitions[status][event] !== undefined)
}
