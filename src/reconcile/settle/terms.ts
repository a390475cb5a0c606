import type { Terms } from './decide.ts'
import type { Pass } from '../store-tickets-once.ts'

/** What the tickets of a pass are judged by. */
export function termsOf(
  { workspace, run, integration }: Pick<Pass, 'workspace' | 'run' | 'integration'>,
  nowMs: number,
  isLook = false,
): Terms {
  const isCareful = (integration.carefulUntil?.toMillis() ?? 0) > nowMs
  return { filters: workspace.filters, setAsideSince: run.startedAt, isLook, isCareful }
}
