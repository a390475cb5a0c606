/** Tries of one call, the first included. */
export const TRIES = 6
/** The same where the answer is a 404: what is in its way may be a proxy, but seldom is. */
export const TRIES_OF_404 = 3
/** Time that one call may lose to failing tries and the pauses between them. */
export const PATIENCE_MS = 120_000

const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 32_000

const MINUTE_MS = 60_000
/** Without a `Retry-After`, a minute: the length of Zendesk's limit windows. */
const DEFAULT_SECONDS = 60
/** A wait of hours would be a mistake of the server's; so much later a try shows. */
const LONGEST_RETRY_AFTER_MS = 15 * 60_000

/**
 * Milliseconds before the next try, after so many that failed: doubling, with full jitter so that
 * what failed together does not come back together. `random` is in [0, 1). A shortened minute, which
 * only a simulator has, shortens the pauses alike.
 */
export function backoffMs(failedTries: number, random: number, minuteMs: number): number {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failedTries - 1))
  return Math.ceil((ceiling * random * minuteMs) / MINUTE_MS)
}

/**
 * Milliseconds that a `Retry-After` asks for: whole or broken seconds, an HTTP date, or several
 * numbers that proxies have joined, of which the longest counts.
 */
export function retryAfterMs(header: string | undefined, nowMs: number, minuteMs: number): number {
  const asked = header === undefined ? undefined : parseRetryAfter(header, nowMs)
  const ms = asked ?? (DEFAULT_SECONDS * 1_000 * minuteMs) / MINUTE_MS
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, Math.ceil(ms)))
}

function parseRetryAfter(header: string, nowMs: number): number | undefined {
  const parts = header.split(',').map((part) => part.trim())
  if (parts.every((part) => /^\d+(\.\d+)?$/.test(part))) {
    return Math.max(...parts.map(Number)) * 1_000
  }
  const date = /[a-z]{3}/i.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : date - nowMs
}
