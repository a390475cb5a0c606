import type { Family } from '../../zendesk/budget/family.ts'
import { SHOWN_AT_ONCE } from '../../zendesk/answers/shown-tickets.ts'

/** Requests by the limit that they belong to, as runs count them. */
export type Requests = Readonly<Record<Family, number>>

/** Rows on one page of the export. */
const EXPORTED_AT_ONCE = 1_000

/**
 * What fetching stored tickets takes, each with one page of comments: few have more, and a run that
 * finds a cheaper way takes fewer.
 */
export function costOfFetching(tickets: number): Requests {
  return { account: Math.ceil(tickets / SHOWN_AT_ONCE), incremental: 0, comments: tickets }
}

/** The same for tickets that the export shows by itself, and for what stands between them. */
export function costOfWindow(window: { tickets: number; toFetch: number }): Requests {
  const incremental = Math.ceil(window.tickets / EXPORTED_AT_ONCE)
  return { account: 0, incremental, comments: window.toFetch }
}

export function addRequests(a: Requests, b: Requests): Requests {
  return {
    account: a.account + b.account,
    incremental: a.incremental + b.incremental,
    comments: a.comments + b.comments,
  }
}

/** At so many requests a minute; all of them count against the limit of the account. */
export function minutesOf(
  { account, incremental, comments }: Requests,
  pace: { readonly account: number; readonly incremental: number },
): number {
  const ofAccount = (account + incremental + comments) / pace.account
  return Math.ceil(Math.max(ofAccount, incremental / pace.incremental) * 10) / 10
}
