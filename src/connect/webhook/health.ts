import type { Invocation } from '../../zendesk/webhooks/webhook.ts'

/** So long after a delivery that Zendesk has dropped its circuit breaker may still be open. */
const BREAKER_MS = 3_600_000

/** What the last delivery that has ended says of a webhook. */
export function healthOf(
  invocations: readonly Invocation[],
  nowMs: number,
): 'well' | 'failing' | 'circuit_broken' {
  const ended = invocations.filter(({ status }) =>
    /^(success|failed|terminated|circuit)/.test(status),
  )
  const newest = ended.toSorted((a, b) => b.completedMs - a.completedMs)[0]
  if (newest === undefined || newest.status === 'success') return 'well'
  const isBroken = newest.status.startsWith('circuit') && newest.completedMs > nowMs - BREAKER_MS
  return isBroken ? 'circuit_broken' : 'failing'
}
