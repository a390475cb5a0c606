import type { Family } from './family.ts'

/** What an answer tells of one limit; any of it may be missing. */
export interface Told {
  /** Requests a minute. */
  readonly limit?: number
  /** Of those, what is left in the minute that Zendesk is counting in. */
  readonly remaining?: number
  /** Until the next such minute begins. */
  readonly resetMs?: number
}

/** The spellings of different years, in the order in which they are trusted. */
const ACCOUNT_LIMIT = ['x-rate-limit', 'ratelimit-limit', 'rate-limit']
const ACCOUNT_REMAINING = ['x-rate-limit-remaining', 'ratelimit-remaining', 'rate-limit-remaining']
const ACCOUNT_RESET = ['ratelimit-reset', 'rate-limit-reset']

const ENDPOINT = /^zendesk-rate-?limit-/

/** The column that keeps a limit is a 32-bit integer. */
const LARGEST_LIMIT = 2_000_000_000

/**
 * The limits that an answer tells. Those of an endpoint belong to the family of the request that was
 * answered, whatever name they go by. The account's own is only taken from answers of other endpoints
 * than the exports: what a server reports with an export could be the limit of exports.
 */
export function readLimits(
  headers: Readonly<Record<string, string | undefined>>,
  family: Family,
): Readonly<Partial<Record<Family, Told>>> {
  const byName = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) byName.set(name.toLowerCase(), value)
  }
  const account = family === 'incremental' ? {} : readAccount(byName)
  const endpoint = family === 'account' ? {} : readEndpoint(byName)
  return {
    ...(isTelling(account) && { account }),
    ...(isTelling(endpoint) && { [family]: endpoint }),
  }
}

/** Whether a limit that was met is that of the account, or of the endpoint alone. */
export function isLimitOfEndpoint(
  told: Readonly<Partial<Record<Family, Told>>>,
  family: Family,
  isAccountWide: boolean,
): boolean {
  if (family === 'account') return false
  const isEndpointSpent = told[family]?.remaining === 0
  const isAccountSpent = told.account?.remaining === 0
  return isEndpointSpent !== isAccountSpent ? isEndpointSpent : !isAccountWide
}

function readAccount(headers: ReadonlyMap<string, string>): Told {
  const first = (names: readonly string[]): string | undefined => {
    const name = names.find((it) => headers.has(it))
    return name === undefined ? undefined : headers.get(name)
  }
  const leading = /^\s*(\d+(?:\.\d+)?)/
  return toTold({
    limit: leading.exec(first(ACCOUNT_LIMIT) ?? '')?.[1],
    remaining: leading.exec(first(ACCOUNT_REMAINING) ?? '')?.[1],
    reset: leading.exec(first(ACCOUNT_RESET) ?? '')?.[1],
  })
}

/** Of several, the one that allows least. */
function readEndpoint(headers: ReadonlyMap<string, string>): Told {
  let least: Told = {}
  for (const [name, value] of headers) {
    if (!ENDPOINT.test(name)) continue
    const told = toTold({
      limit: /\btotal\s*=\s*(\d+)/i.exec(value)?.[1],
      remaining: /\bremaining\s*=\s*(\d+)/i.exec(value)?.[1],
      reset: /\bresets\s*=\s*(\d+(?:\.\d+)?)/i.exec(value)?.[1],
    })
    if (!isTelling(least) || (told.limit ?? Infinity) < (least.limit ?? Infinity)) least = told
  }
  return least
}

function toTold(digits: {
  readonly limit: string | undefined
  readonly remaining: string | undefined
  readonly reset: string | undefined
}): Told {
  const limit = Math.min(Math.floor(Number(digits.limit ?? 0)), LARGEST_LIMIT)
  return {
    ...(limit > 0 && { limit }),
    ...(digits.remaining !== undefined && { remaining: Math.floor(Number(digits.remaining)) }),
    ...(digits.reset !== undefined && { resetMs: Number(digits.reset) * 1_000 }),
  }
}

function isTelling({ limit, remaining }: Told): boolean {
  return limit !== undefined || remaining !== undefined
}
