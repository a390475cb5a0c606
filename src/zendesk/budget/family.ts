/**
 * Limits that Zendesk counts apart: all requests of an account, its incremental exports, and, at
 * accounts whose answers say so, the comments of tickets.
 */
export type Family = 'account' | 'incremental' | 'comments'

/**
 * Requests a minute as long as no answer has told the limit: the smallest plan that has the API at
 * large, and the limit of exports without the add-on that raises it (Zendesk's page of rate limits).
 * A family that is not named here is limited by its account alone until an answer tells more.
 */
export const DEFAULT_LIMITS: Readonly<Partial<Record<Family, number>>> = {
  account: 200,
  incremental: 10,
}

/** What counts against an endpoint's limit counts against that of the account as well. */
export function familiesOf(family: Family): readonly Family[] {
  return family === 'account' ? ['account'] : ['account', family]
}

/**
 * What is left alone besides what others were seen to spend, as a part of the limit and of theirs: of
 * the requests that are on their way nobody can tell yet to whom they belong.
 */
const MARGIN = 1 / 15
const MARGIN_OF_OTHERS = 1 / 5

/** Shares are decimal fractions, which binary ones miss by a little. */
const ROUNDING = 1e-9

/** What we spend a minute at most, if others spend so much of the limit. */
export function capOf(limit: number, quotaShare: number, others = 0): number {
  if (limit * quotaShare === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const margin = Math.min(limit * MARGIN, others * MARGIN_OF_OTHERS)
  return Math.max(1, Math.floor((limit - others - margin) * quotaShare + ROUNDING))
}
