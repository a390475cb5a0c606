import type { AccountSettings } from '../options.ts'
import type { Clock } from '../world/clock.ts'

/** What an unlimited account reports; high enough for every budget to be out of the way. */
const UNLIMITED = 1_000_000
/** Zendesk allows ten looks a minute into the bin. */
const DELETED_TICKETS_LIMIT = 10

export type LimitName =
  | 'incremental-exports'
  | 'incremental-exports-cursor'
  | 'deleted-tickets'
  | 'ticket-comments'

/** The outcome of one request against the limits of its account. */
export interface Spent {
  readonly isAllowed: boolean
  /** How a refusal names the endpoint whose limit was met; empty if it was that of the account. */
  readonly endpoint: string
  readonly retryAfterSeconds: number
  readonly headers: Readonly<Record<string, string>>
}

const NONE = { account: 0, others: 0, incremental: 0, deleted: 0, comments: 0 }

/**
 * Fixed windows of one minute of the clock: one for the account, one for all incremental exports
 * together, one each for comments and the bin. A refused request costs nothing. What other clients
 * spend is settled whenever somebody looks.
 */
export class RateLimits {
  readonly #clock: Clock
  readonly #used = { ...NONE }
  #window = Number.NaN
  #settledAt = Number.NaN

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Lets others spend what they do in the time since this was last asked. */
  settle({ rates }: AccountSettings): void {
    const { minuteMs } = this.#clock
    const now = this.#clock.now()
    const window = Math.floor(now / minuteMs)
    if (window !== this.#window) {
      this.#window = window
      this.#settledAt = window * minuteMs
      Object.assign(this.#used, NONE)
    }
    const spent = this.#used.others + (rates.others * (now - this.#settledAt)) / minuteMs
    const left = Math.max(0, (rates.account ?? UNLIMITED) - this.#used.account)
    this.#used.others = Math.min(spent, left)
    this.#settledAt = now
  }

  spend(settings: AccountSettings, name: LimitName | null): Spent {
    this.settle(settings)
    const { minuteMs } = this.#clock
    const now = this.#settledAt
    const resets = Math.max(1, Math.ceil(((this.#window + 1) * minuteMs - now) / 1000))
    const account = settings.rates.account ?? UNLIMITED
    const own = name === null ? null : endpointLimit(settings, name)
    const isEndpointSpent = own !== null && this.#used[own.key] >= own.limit
    const isAllowed =
      !isEndpointSpent && (settings.rates.account === null || this.#left(account) > 0)
    if (isAllowed) {
      this.#used.account += 1
      if (own !== null) this.#used[own.key] += 1
    }
    const headers = accountHeaders(settings, account, this.#left(account), resets)
    if (own !== null && settings.rateHeaders !== 'none' && own.limit < UNLIMITED) {
      headers[`Zendesk-RateLimit-${name}`] =
        `total=${own.limit}; remaining=${own.limit - this.#used[own.key]}; resets=${resets}`
    }
    const endpoint = isEndpointSpent ? own.words : ''
    return { isAllowed, endpoint, retryAfterSeconds: resets, headers }
  }

  #left(account: number): number {
    return account - this.#used.account - Math.floor(this.#used.others)
  }
}

interface EndpointLimit {
  readonly key: 'incremental' | 'deleted' | 'comments'
  readonly limit: number
  /** In the text of a refusal. */
  readonly words: string
}

function endpointLimit({ rates }: AccountSettings, name: LimitName): EndpointLimit {
  switch (name) {
    case 'deleted-tickets':
      return { key: 'deleted', limit: DELETED_TICKETS_LIMIT, words: 'deleted tickets' }
    case 'ticket-comments':
      return { key: 'comments', limit: rates.comments ?? UNLIMITED, words: 'ticket comments' }
    default:
      return {
        key: 'incremental',
        limit: rates.incremental ?? UNLIMITED,
        words: 'incremental export',
      }
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
