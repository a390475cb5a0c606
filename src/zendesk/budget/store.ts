import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { DEFAULT_LIMITS, type Family, capOf, familiesOf } from './family.ts'
import { type Window, grant } from './window.ts'

export interface Reservation {
  readonly granted: number
  readonly cap: number
  /** How long the permits may be held. */
  readonly usableForMs: number
  /** If nothing was granted: how long to wait before asking again. */
  readonly waitMs: number
  /** Whether it is Zendesk that wants silence, and not our share that is spent. */
  readonly isBlocked: boolean
}

export interface Ask {
  readonly subdomain: Subdomain
  readonly family: Family
  readonly quotaShare: number
  readonly want: number
  readonly minuteMs: number
}

/**
 * Takes up to so many permits out of the account's rows, which all workers and workspaces share. What
 * counts against two limits gets a permit of both at the same instant, or none: one that waited for
 * the other would be used in a later slot than the one in which it was counted.
 */
export async function reservePermits(db: Kysely<Database>, ask: Ask): Promise<Reservation> {
  return db.transaction().execute(async (trx) => {
    const offers: Offer[] = []
    for (const family of familiesOf(ask.family)) offers.push(await readOffer(trx, ask, family))
    const granted = Math.min(...offers.map((offer) => offer.granted))
    if (granted > 0) {
      for (const offer of offers)
        await saveWindow(trx, ask, offer.family, offer.windowAfter(granted))
    }
    const slowest = offers.reduce((a, b) => (b.waitMs > a.waitMs ? b : a))
    return {
      granted,
      cap: Math.min(...offers.map((offer) => offer.cap)),
      usableForMs: Math.min(...offers.map((offer) => offer.usableForMs)),
      waitMs: slowest.waitMs,
      isBlocked: slowest.isBlocked,
    }
  })
}

/** What one limit would allow, and what its window looks like if so much of it is taken. */
interface Offer extends Reservation {
  readonly family: Family
  readonly windowAfter: (granted: number) => Window
}

async function readOffer(trx: Transaction<Database>, ask: Ask, family: Family): Promise<Offer> {
  const row = (await lockBudget(trx, ask, family)) ?? (await openBudget(trx, ask, family))
  const { nowMs, limitPerMinute, blockedUntil } = row
  const cap = capOf(limitPerMinute ?? DEFAULT_LIMITS[family], ask.quotaShare)
  const terms = { nowMs, cap, minuteMs: ask.minuteMs }
  const result = grant(row, { ...terms, want: ask.want })
  const blockedMs = Math.max(0, (blockedUntil?.toMillis() ?? 0) - nowMs)
  const isBlocked = blockedMs > 0
  return {
    family,
    cap,
    granted: isBlocked ? 0 : result.granted,
    usableForMs: result.usableUntilMs - nowMs,
    waitMs: isBlocked ? blockedMs : result.retryAtMs - nowMs,
    isBlocked,
    windowAfter: (granted) => grant(row, { ...terms, want: granted }).window,
  }
}

/**
 * The instant is the database's, so that workers whose clocks differ count in the same slots. Losing
 * the last grants in a crash of the server is harmless: the commit does not wait for the disk.
 */
async function lockBudget(trx: Transaction<Database>, { subdomain }: Ask, family: Family) {
  return trx
    .selectFrom('budget')
    .select([
      'slot',
      'granted',
      'limitPerMinute',
      'blockedUntil',
      sql<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`.as('nowMs'),
      sql`set_config('synchronous_commit', 'off', true)`.as('setting'),
    ])
    .where('account', '=', subdomain)
    .where('family', '=', family)
    .forUpdate()
    .executeTakeFirst()
}

async function openBudget(trx: Transaction<Database>, ask: Ask, family: Family) {
  await trx
    .insertInto('budget')
    .values({ account: ask.subdomain, family })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await lockBudget(trx, ask, family)
  if (row === undefined) throw new Error(`the budget row of ${ask.subdomain} was removed`)
  return row
}

async function saveWindow(
  trx: Transaction<Database>,
  { subdomain }: Ask,
  family: Family,
  { slot, granted }: Window,
): Promise<void> {
  await trx
    .updateTable('budget')
    .set({ slot, granted: [...granted], updatedAt: sql<Date>`now()` })
    .where('account', '=', subdomain)
    .where('family', '=', family)
    .execute()
}

/** Keeps everybody off an account, or off its exports, for so long. */
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
        updatedAt: sql<Date>`now()`,
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
      conflict
        .columns(['account', 'family'])
        .doUpdateSet({ limitPerMinute, updatedAt: sql<Date>`now()` }),
    )
    .execute()
}
