import type { AttemptOutcome } from './attempt.ts'

const MAX_CONFLICT_RETRIES = 3
const MAX_TIMEOUT_RETRIES = 5
const MAX_WAIT_RETRIES = 5
/** Zendesk waits for a receiver that says when, if that is soon. */
const LONGEST_WAIT_SECONDS = 60

/**
 * How long Zendesk waits before it tries a delivery again, `null` when it gives the event up.
 * `earlier` are the outcomes of the attempts before this one. Conflicts, timeouts and short waits
 * are tried again; every other failure, a 500 above all, is final.
 */
export function waitBeforeRetry(
  outcome: AttemptOutcome,
  earlier: readonly AttemptOutcome[],
): number | null {
  const kind = kindOf(outcome)
  if (kind === 'final') return null
  const before = earlier.filter((other) => kindOf(other) === kind).length
  if (before >= retriesFor(kind)) return null
  return kind === 'wait' ? (secondsOf(outcome) ?? 1) * 1000 : 1000
}

type Kind = 'conflict' | 'timeout' | 'wait' | 'final'

function kindOf(outcome: AttemptOutcome): Kind {
  if (outcome.isTimeout) return 'timeout'
  if (outcome.statusCode === 409) return 'conflict'
  const seconds = secondsOf(outcome)
  return seconds !== null && seconds < LONGEST_WAIT_SECONDS ? 'wait' : 'final'
}

function retriesFor(kind: Kind): number {
  if (kind === 'conflict') return MAX_CONFLICT_RETRIES
  return kind === 'timeout' ? MAX_TIMEOUT_RETRIES : MAX_WAIT_RETRIES
}

/** `Retry-After` in whole seconds on the two answers for which it is obeyed. */
function secondsOf(outcome: AttemptOutcome): number | null {
  if (outcome.statusCode !== 429 && outcome.statusCode !== 503) return null
  return /^\d+$/.test(outcome.retryAfter ?? '') ? Number(outcome.retryAfter) : null
}
