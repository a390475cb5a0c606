import type { Terms } from './decide.ts'
import type { Pass } from '../store-tickets-once.ts'

/** What the tickets of a pass are judged by. */
export function termsOf(
  { workspace, run, integration }: Pick<Pass, 'workspace' | 'run' | 'integration'>,
  nowMs: number,
  isLook = false,
): Terms {
  // A window is imported again because what is stored of it is in doubt.
  const isAgain = run.stream === 'window'
  const isCareful = isAgain || (integration.carefulUntil?.toMillis() ?? 0) > nowMs
  const terms = { filters: workspace.filters, setAsideSince: run.startedAt, isLook, isCareful }
  return isAgain ? { ...terms, settledFrom: run.createdAt } : terms
}
