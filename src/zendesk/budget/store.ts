import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { DEFAULT_LIMITS, type Family, capOf, familiesOf } from './family.ts'
import { noticeOthers, othersPerMinute } from './others.ts'
import { type Window, grant, moveTo } from './window.ts'

export interface Reservation {
  readonly granted: number
  readonly cap: number
  /** How long the permits may be held. */
  readonly usableForMs: number
  /** If nothing was granted: how long to wait before asking again, and for which limit. */
  readonly waitMs: number
  readonly waitsFor: Family
  /** Whether it is Zendesk that wants silence, and not our share that is spent. */
  readonly isBlocked: boolean
}

export interface Ask {
  readonly subdomain: Subdomain
  readonly family: Family
  readonly quotaShare: number
  readonly want: number
  readonly minuteMs: number
  /** The last answers that told what is left of the limits asked for. */
  readonly seen?: Readonly<Partial<Record<Family, Seen>>>
}

/** How much of a limit an answer has shown to be used. */
export interface Seen {
  readonly used: number
  readonly resetMs: number | undefined
  readonly sentMsAgo: number
  readonly receivedMsAgo: number
}

/**
 * Takes up to so many permits out of the account's rows, which all workers and workspaces share, and
 * notes what answers have shown of others. What counts against two limits gets a permit of both at
 * the same instant, or none: one that waited for the other would be used in a later slot than the one
 * in which it was counted.
 */
export async function reservePermits(db: Kysely<Database>, ask: Ask): Promise<Reservation> {
  return db.transaction().execute(async (trx) => {
    const offers = (await lockBudgets(trx, ask)).map((row) => toOffer(row, ask))
    const granted = Math.min(...offers.map((offer) => offer.granted))
    for (const offer of offers) {
      if (granted > 0 || offer.hasNews) await saveWindow(trx, ask, offer, granted)
    }
    const slowest = offers.reduce((a, b) => (b.waitMs > a.waitMs ? b : a))
    return {
      granted,
      cap: Math.min(...offers.map((offer) => offer.cap)),
      usableForMs: Math.min(...offers.map((offer) => offer.usableForMs)),
      waitMs: slowest.waitMs,
      waitsFor: slowest.family,
      isBlocked: slowest.isBlocked,
    }
  })
}

/** What one limit would allow, and what its window looks like if so much of it is taken. */
interface Offer extends Omit<Reservation, 'waitsFor'> {
  readonly family: Family
  /** Whether others were seen to have spent something since the row was written. */
  readonly hasNews: boolean
  readonly windowAfter: (granted: number) => Window
}

function toOffer(row: BudgetRow, ask: Ask): Offer {
  const { family, nowMs, limitPerMinute, blockedUntil } = row
  const { minuteMs } = ask
  const before = moveTo(row, nowMs, minuteMs)
  const seen = ask.seen?.[family]
  const window =
    seen === undefined ? before : noticeOthers(before, toSighting(seen, nowMs), minuteMs)
  const others = othersPerMinute(window.others)
  // An endpoint whose limit nobody knows is limited by the account alone.
  const limit = limitPerMinute ?? DEFAULT_LIMITS[family] ?? Number.POSITIVE_INFINITY
  const terms = { nowMs, cap: capOf(limit, ask.quotaShare, others), minuteMs }
  const result = grant(window, { ...terms, want: ask.want })
  const blockedMs = Math.max(0, (blockedUntil?.toMillis() ?? 0) - nowMs)
  const isBlocked = blockedMs > 0
  return {
    family,
    cap: terms.cap,
    granted: isBlocked ? 0 : result.granted,
    usableForMs: result.usableUntilMs - nowMs,
    waitMs: isBlocked ? blockedMs : result.retryAtMs - nowMs,
    isBlocked,
    hasNews: others > othersPerMinute(before.others),
    windowAfter: (granted) => grant(window, { ...terms, want: granted }).window,
  }
}

function toSighting({ used, resetMs, sentMsAgo, receivedMsAgo }: Seen, nowMs: number) {
  return { used, resetMs, sentAtMs: nowMs - sentMsAgo, receivedAtMs: nowMs - receivedMsAgo }
}

type BudgetRow = Awaited<ReturnType<typeof readBudgets>>[number]

/** The rows of all limits that the request counts against, as far as it is known to have them. */
async function lockBudgets(trx: Transaction<Database>, ask: Ask): Promise<BudgetRow[]> {
  const rows = await readBudgets(trx, ask)
  const missing = familiesOf(ask.family).filter(
    (family) => family in DEFAULT_LIMITS && !rows.some((row) => row.family === family),
  )
  if (missing.length === 0) return rows
  await trx
    .insertInto('budget')
    .values(missing.map((family) => ({ account: ask.subdomain, family })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return readBudgets(trx, ask)
}

/**
 * All lock in the same order, so that nobody deadlocks. The instant is the database's, so that workers
 * whose clocks differ count in the same slots. Losing the last grants in a crash of the server is
 * harmless: the commit does not wait for the disk.
 */
async function readBudgets(trx: Transaction<Database>, { subdomain, family }: Ask) {
  return trx
    .selectFrom('budget')
    .select([
      sql<Family>`family`.as('family'),
      'slot',
      'granted',
      'others',
      'limitPerMinute',
      'blockedUntil',
      sql<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`.as('nowMs'),
      sql`set_config('synchronous_commit', 'off', true)`.as('setting'),
    ])
    .where('account', '=', subdomain)
    .where('family', 'in', familiesOf(family))
    .orderBy('family')
    .forUpdate()
    .execute()
}

async function saveWindow(
  trx: Transaction<Database>,
  { subdomain }: Ask,
  { family, windowAfter }: Offer,
  granted: number,
): Promise<void> {
  const window = windowAfter(granted)
  await trx
    .updateTable('budget')
    .set({
      slot: window.slot,
      granted: [...window.granted],
      others: [...window.others],
    })
    .where('account', '=', subdomain)
    .where('family', '=', family)
    .execute()
}

/** Keeps everybody off an account, or off one of its endpoints, for so long. */
export async function blockBudget(
  db: Kysely<Database>,
  subdomain: Subdomain,
  family: Family,
  ms: number,
): Promise<void> {
  const until = sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`
  await db
    .insertInto('budget')
    .values({ account: subdomain, family, blockedUntil: until })
    .onConflict((conflict) =>
      conflict.columns(['account', 'family']).doUpdateSet({
        blockedUntil: sql<Date>`greatest(budget.blocked_until, excluded.blocked_until)`,
      }),
    )
    .execute()
}

/** Keeps what an answer told of a limit. */
export async function saveLimit(
  db: Kysely<Database>,
  subdomain: Subdomain,
  family: Family,
  limitPerMinute: number,
): Promise<void> {
  await db
    .insertInto('budget')
    .values({ account: subdomain, family, limitPerMinute })
    .onConflict((conflict) =>
      conflict.columns(['account', 'family']).doUpdateSet({ limitPerMinute }),
    )
    .execute()
}
