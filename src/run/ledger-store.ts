import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { RunId, TicketId } from '../ids.ts'
import { type HintOutcomes, type Ledger, hasNews } from './ledger.ts'

/** So many tickets that came to no end are remembered by their numbers. */
const MOST_UNACCOUNTED = 20

/**
 * Adds what one portion did; in the transaction that stores it. `missing` are tickets that were seen
 * and came to no end, which is to be nobody.
 */
export async function addToLedger(
  trx: Transaction<Database>,
  id: RunId,
  add: {
    ledger: Ledger
    pages: number
    reachedAt: Date | null
    missing: readonly TicketId[]
  },
): Promise<void> {
  await trx
    .updateTable('run')
    .set((eb) => ({
      pages: eb('pages', '+', add.pages),
      reachedAt: sql<Date | null>`greatest(reached_at, ${add.reachedAt}::timestamptz)`,
      ticketsSeen: eb('ticketsSeen', '+', add.ledger.seen + add.missing.length),
      unaccounted: sql<
        number[]
      >`(unaccounted || ${[...add.missing]}::bigint[])[:${sql.lit(MOST_UNACCOUNTED)}]`,
      published: eb('published', '+', add.ledger.published),
      unchanged: eb('unchanged', '+', add.ledger.unchanged),
      filtered: eb('filtered', '+', add.ledger.filtered),
      noPublicComments: eb('noPublicComments', '+', add.ledger.noPublicComments),
      gone: eb('gone', '+', add.ledger.gone),
      quarantined: eb('quarantined', '+', add.ledger.quarantined),
      retracted: eb('retracted', '+', add.ledger.retracted),
      // What failed or waited before progress counts no longer. A portion without news is none: its
      // page may be one that comes again and again.
      ...((add.pages > 0 || hasNews(add.ledger)) && { attempts: 0, waitedSeconds: 0 }),
    }))
    .where('id', '=', id)
    .execute()
}

export async function addHintOutcomes(
  trx: Transaction<Database>,
  id: RunId,
  add: HintOutcomes,
): Promise<void> {
  await trx
    .updateTable('run')
    .set((eb) => ({
      hintsConfirmed: eb('hintsConfirmed', '+', add.confirmed),
      hintsFetched: eb('hintsFetched', '+', add.fetched),
      hintsMoot: eb('hintsMoot', '+', add.moot),
    }))
    .where('id', '=', id)
    .execute()
}

/** Requests made for a run are counted even when the portion they were made for is not stored. */
export async function addRequests(
  db: Kysely<Database>,
  id: RunId,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const entries = Object.entries(counts)
  if (entries.length === 0) return
  await db
    .updateTable('run')
    .set({
      requests: sql<string>`requests || (
        select jsonb_object_agg(key, value::bigint + coalesce((requests ->> key)::bigint, 0))
        from jsonb_each_text(${JSON.stringify(counts)}::jsonb))`,
    })
    .where('id', '=', id)
    .execute()
}
