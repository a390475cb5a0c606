import type { Family } from './family.ts'

/** The account's limit a minute, in the order in which the spellings are trusted. */
const ACCOUNT_HEADERS = ['x-rate-limit', 'ratelimit-limit', 'rate-limit']

const ENDPOINT_HEADER = /^zendesk-rate-?limit-incremental-exports(?:-cursor)?$/

/** The column that keeps a limit is a 32-bit integer. */
const LARGEST_LIMIT = 2_000_000_000

/**
 * The limits that an answer tells. The account's own is only taken from answers of other endpoints:
 * what a server reports with an export could be the limit of exports.
 */
export function readLimits(
  headers: Readonly<Record<string, string | undefined>>,
  family: Family,
): Partial<Record<Family, number>> {
  if (family === 'incremental') {
    const name = Object.keys(headers).find((header) => ENDPOINT_HEADER.test(header))
    const total = name && /\btotal\s*=\s*(\d+)/.exec(headers[name] ?? '')?.[1]
    return limitOf('incremental', total)
  }
  const name = ACCOUNT_HEADERS.find((header) => headers[header] !== undefined)
  return limitOf('account', name && /^\s*(\d+)/.exec(headers[name] ?? '')?.[1])
}

function limitOf(family: Family, digits: string | undefined): Partial<Record<Family, number>> {
  const limit = Number(digits ?? 0)
  return limit > 0 ? { [family]: Math.min(limit, LARGEST_LIMIT) } : {}
}
