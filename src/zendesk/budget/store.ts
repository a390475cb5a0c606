import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { DEFAULT_LIMITS, type Family, capOf } from './family.ts'
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

/** Takes up to so many permits out of the account's row, which all workers and workspaces share. */
export async function reservePermits(db: Kysely<Database>, ask: Ask): Promise<Reservation> {
  return db.transaction().execute(async (trx) => {
    const row = (await lockBudget(trx, ask)) ?? (await openBudget(trx, ask))
    const cap = capOf(row.limitPerMinute ?? DEFAULT_LIMITS[ask.family], ask.quotaShare)
    const blockedMs = (row.blockedUntil?.toMillis() ?? 0) - row.nowMs
    if (blockedMs > 0) {
      return { granted: 0, cap, usableForMs: 0, waitMs: blockedMs, isBlocked: true }
    }
    const { nowMs } = row
    const result = grant(row, { nowMs, want: ask.want, cap, minuteMs: ask.minuteMs })
    if (result.granted > 0) await saveWindow(trx, ask, result.window)
    return {
      granted: result.granted,
      cap,
      usableForMs: result.usableUntilMs - nowMs,
      waitMs: result.retryAtMs - nowMs,
      isBlocked: false,
    }
  })
}

/**
 * The instant is the database's, so that workers whose clocks differ count in the same slots. Losing
 * the last grants in a crash of the server is harmless: the commit does not wait for the disk.
 */
async function lockBudget(trx: Transaction<Database>, { subdomain, family }: Ask) {
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

async function openBudget(trx: Transaction<Database>, ask: Ask) {
  await trx
    .insertInto('budget')
    .values({ account: ask.subdomain, family: ask.family })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await lockBudget(trx, ask)
  if (row === undefined) throw new Error(`the budget row of ${ask.subdomain} was removed`)
  return row
}

async function saveWindow(
  trx: Transaction<Database>,
  { subdomain, family }: Ask,
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
