import { confirmHints, findHintedTickets, settleHints } from '../../hint/store.ts'
import type { HintClass } from '../../../db/schema.ts'
import { assertLease } from '../../run/lease-store.ts'
import { addHintOutcomes } from '../../run/ledger-store.ts'
import { addNews } from '../../run/news-store.ts'
import { SHOWN_AT_ONCE } from '../../zendesk/answers/shown-tickets.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { lookOnce } from './look-once.ts'

export interface HintsToSettle {
  readonly classes: readonly HintClass[]
  readonly occurredBefore?: Date
}

/**
 * Looks at the tickets that hints point to and ends the hints with what came of it, in the
 * transaction that stores the last tickets of their group. In comes the set of pending hints, read
 * once: one that arrives while its ticket is read stays pending, for the answer may be older than it.
 * Returns whether there may be more.
 */
export async function hintsOnce(
  deps: PassDeps,
  pass: Pass,
  which: HintsToSettle,
): Promise<'more' | 'none'> {
  const query = { ...which, limit: SHOWN_AT_ONCE }
  const hinted = await findHintedTickets(deps.db, pass.integration.id, query)
  if (hinted.length === 0) return 'none'
  const eventIdsOf = new Map(hinted.map(({ ticketId, eventIds }) => [ticketId, eventIds]))
  await lookOnce(deps, pass, {
    ticketIds: hinted.map((ticket) => ticket.ticketId),
    settle: async (trx, ticketIds, news) => {
      const hints = ticketIds.flatMap((ticketId) =>
        (eventIdsOf.get(ticketId) ?? []).map((eventId) => ({
          eventId,
          hasNews: news.has(ticketId),
        })),
      )
      const ended = await settleHints(trx, pass.integration.id, hints)
      await addHintOutcomes(trx, pass.run.id, { ...ended, confirmed: 0 })
      await addNews(trx, pass.run.id, { hinted: news.size, silent: 0 })
    },
  })
  return 'more'
}

/**
 * Ends the hints of what the export has shown by itself: they cost nothing more. News of theirs that
 * the export has brought were not silent.
 */
export async function confirmHintsOnce({ db }: PassDeps, pass: Pass): Promise<void> {
  const { run, integration } = pass
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, pass.lease)
    const since = run.startedAt ?? run.createdAt
    const { confirmed, news } = await confirmHints(trx, integration.id, since)
    if (confirmed === 0) return
    await addHintOutcomes(trx, run.id, { confirmed, fetched: 0, moot: 0 })
    await addNews(trx, run.id, { hinted: news, silent: -news })
  })
}
