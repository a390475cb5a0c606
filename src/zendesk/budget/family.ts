/** Limits that Zendesk counts apart: all requests of an account, and its incremental exports. */
export type Family = 'account' | 'incremental'

/**
 * Requests a minute as long as no answer has told the limit: the smallest plan that has the API at
 * large, and the limit of exports without the add-on that raises it (Zendesk's page of rate limits).
 */
export const DEFAULT_LIMITS: Readonly<Record<Family, number>> = { account: 200, incremental: 10 }

/** An export counts against both. Rows are locked in this order by all, so that nobody deadlocks. */
export function familiesOf(family: Family): readonly Family[] {
  return family === 'incremental' ? ['account', 'incremental'] : ['account']
}

/** What we spend a minute at most. */
export function capOf(limit: number, quotaShare: number): number {
  return Math.max(1, Math.floor(limit * quotaShare))
}
