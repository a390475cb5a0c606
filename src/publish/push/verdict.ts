/** What a receiver made of one publication. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: 'unanswered'; readonly reason: string }

export type Verdict =
  | { readonly kind: 'delivered'; readonly outcome: string }
  | { readonly kind: 'dead'; readonly outcome: string; readonly holdMs: number }
  /** As dead, and the receiver wants nothing more. */
  | { readonly kind: 'gone'; readonly outcome: string }
  | {
      readonly kind: 'postponed'
      readonly outcome: string
      readonly delayMs: number
      /** How long the receiver asks for silence, whatever the publication. */
      readonly holdMs: number
    }

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * The waits between the attempts: 29 hours in all, so that a receiver that is down for a day misses
 * nothing. Standard Webhooks recommends a schedule of this shape; jitter only makes a wait longer.
 */
export const DELAYS_MS: readonly number[] = [
  10 * SECOND,
  30 * SECOND,
  90 * SECOND,
  5 * MINUTE,
  15 * MINUTE,
  45 * MINUTE,
  2 * HOUR,
  6 * HOUR,
  10 * HOUR,
  10 * HOUR,
]
const JITTER = 0.2
/** A longer `Retry-After` is taken for a mistake. */
const LONGEST_HOLD_MS = 24 * HOUR

export interface Chance {
  readonly now: Date
  /** From 0 to 1. */
  readonly random: number
}

/** Decides on an answer to attempt number `attempts`; after one more than there are waits it is over. */
export function judgeAnswer(
  answer: Answer,
  attempts: number,
  chance: Chance,
  delaysMs: readonly number[] = DELAYS_MS,
): Verdict {
  const postpone = (outcome: string, holdMs: number): Verdict => {
    const delayMs = delaysMs[attempts - 1]
    if (delayMs === undefined) {
      return { kind: 'dead', outcome: `${outcome}, attempt ${attempts}`, holdMs }
    }
    const jitteredMs = Math.round(delayMs * (1 + JITTER * chance.random))
    return { kind: 'postponed', outcome, delayMs: Math.max(jitteredMs, holdMs), holdMs }
  }
  if (answer.kind === 'unanswered') return postpone(answer.reason, 0)
  const { status, retryAfter } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered', outcome: `status ${status}` }
  if (status === 410) return { kind: 'gone', outcome: 'gone (410)' }
  const redirect = status >= 300 && status < 400 ? ': redirects are not followed' : ''
  const asksForSilence = status === 429 || status === 503
  const holdMs = asksForSilence ? retryAfterMs(retryAfter, chance.now) : 0
  return postpone(`status ${status}${redirect}`, holdMs)
}

/** `Retry-After` is a number of seconds or a date; anything else says nothing. */
function retryAfterMs(header: string | undefined, now: Date): number {
  const text = header?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * SECOND : Date.parse(text) - now.getTime()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), LONGEST_HOLD_MS)
}
