import type { AccountSettings } from '../options.ts'
import type { Clock } from '../world/clock.ts'

/** What an unlimited account reports; high enough for every budget to be out of the way. */
const UNLIMITED = 1_000_000
/** Zendesk allows ten looks a minute into the bin. */
const DELETED_TICKETS_LIMIT = 10

export type LimitName = 'incremental-exports' | 'incremental-exports-cursor' | 'deleted-tickets'

/** The outcome of one request against the limits of its account. */
export interface Spent {
  readonly isAllowed: boolean
  readonly isEndpoint: boolean
  readonly retryAfterSeconds: number
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Fixed windows of one minute of the clock: one for the account, one for all incremental exports
 * together, one for the bin. A refused request costs nothing.
 */
export class RateLimits {
  readonly #clock: Clock
  readonly #used = { account: 0, incremental: 0, deleted: 0 }
  #window = Number.NaN

  constructor(clock: Clock) {
    this.#clock = clock
  }

  spend(settings: AccountSettings, name: LimitName | null): Spent {
    const { minuteMs } = this.#clock
    const now = this.#clock.now()
    const window = Math.floor(now / minuteMs)
    if (window !== this.#window) {
      this.#window = window
      Object.assign(this.#used, { account: 0, incremental: 0, deleted: 0 })
    }
    const resets = Math.max(1, Math.ceil(((window + 1) * minuteMs - now) / 1000))
    const account = settings.rates.account ?? UNLIMITED
    const own = name === null ? null : this.#endpointLimit(settings, name)
    const isEndpoint = own !== null && this.#used[own.key] >= own.limit
    const isAllowed =
      !isEndpoint && (settings.rates.account === null || this.#used.account < account)
    if (isAllowed) {
      this.#used.account += 1
      if (own !== null) this.#used[own.key] += 1
    }
    const headers = accountHeaders(settings, account, account - this.#used.account, resets)
    if (own !== null && settings.rateHeaders !== 'none' && own.limit < UNLIMITED) {
      headers[`Zendesk-RateLimit-${name}`] =
        `total=${own.limit}; remaining=${own.limit - this.#used[own.key]}; resets=${resets}`
    }
    return { isAllowed, isEndpoint, retryAfterSeconds: resets, headers }
  }

  #endpointLimit(
    settings: AccountSettings,
    name: LimitName,
  ): { key: 'incremental' | 'deleted'; limit: number } {
    if (name === 'deleted-tickets') return { key: 'deleted', limit: DELETED_TICKETS_LIMIT }
    return { key: 'incremental', limit: settings.rates.incremental ?? UNLIMITED }
  }
}

/** The spellings of different years; servers have been seen with any of them. */
function accountHeaders(
  settings: AccountSettings,
  limit: number,
  left: number,
  resets: number,
): Record<string, string> {
  const total = String(limit)
  const remaining = String(Math.max(0, left))
  const headers: Record<string, string> = {}
  if (settings.rateHeaders === 'none') return headers
  headers['X-Rate-Limit'] = total
  headers['X-Rate-Limit-Remaining'] = remaining
  if (settings.rateHeaders !== 'old') {
    headers['ratelimit-limit'] = total
    headers['ratelimit-remaining'] = remaining
    headers['ratelimit-reset'] = String(resets)
  }
  if (settings.rateHeaders !== 'current') {
    headers['rate-limit'] = total
    headers['rate-limit-remaining'] = remaining
    headers['rate-limit-reset'] = String(resets)
  }
  return headers
}
