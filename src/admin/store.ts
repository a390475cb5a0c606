import { type Kysely, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId, Subdomain } from '../ids.ts'

/** What became of the tickets of an integration, as far as they were seen. */
export interface Counts {
  readonly published: number
  readonly filtered: number
  readonly noPublicComments: number
  readonly gone: number
  readonly quarantined: number
  readonly retracted: number
  readonly hintsPending: number
  /** When the one of them came that waits longest. */
  readonly hintsPendingSince: DateTime | null
}

export async function countTickets(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Counts> {
  const outcomes = await db
    .selectFrom('ticket')
    .select(({ fn }) => ['outcome', fn.countAll<number>().as('tickets')])
    .where('integrationId', '=', integrationId)
    .groupBy('outcome')
    .execute()
  const { retracted } = await db
    .selectFrom('transcript')
    .select(({ fn }) => fn.countAll<number>().as('retracted'))
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'retracted')
    .executeTakeFirstOrThrow()
  const { hintsPending, hintsPendingSince } = await db
    .selectFrom('hint')
    .select(({ fn }) => [
      fn.countAll<number>().as('hintsPending'),
      fn.min('receivedAt').as('hintsPendingSince'),
    ])
    .where('integrationId', '=', integrationId)
    .where('settledAt', 'is', null)
    .executeTakeFirstOrThrow()
  const count = (outcome: string) => outcomes.find((row) => row.outcome === outcome)?.tickets ?? 0
  return {
    published: count('published'),
    filtered: count('filtered'),
    noPublicComments: count('no_public_comments'),
    gone: count('gone'),
    quarantined: count('quarantined'),
    retracted,
    hintsPending,
    hintsPendingSince,
  }
}

/** Tickets that are set aside, and why: the most frequent reasons, without the tickets' numbers. */
export interface Quarantine {
  readonly tickets: number
  readonly nextTryAt: DateTime | null
  readonly reasons: readonly { readonly reason: string; readonly tickets: number }[]
}

const MOST_REASONS = 5

export async function readQuarantine(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Quarantine> {
  const reason = sql<string>`regexp_replace(reason, '\\mticket [0-9]+', 'the ticket', 'g')`
  const rows = await db
    .selectFrom('ticket')
    .select(({ fn }) => [
      reason.as('reason'),
      fn.countAll<number>().as('tickets'),
      fn.min('retryAt').as('nextTryAt'),
    ])
    .where('integrationId', '=', integrationId)
    // What the index of the few that are set aside asks for.
    .where('retryAt', 'is not', null)
    .groupBy(reason)
    .orderBy('tickets', 'desc')
    .orderBy('reason')
    .execute()
  const tries = rows.flatMap(({ nextTryAt }) => nextTryAt ?? [])
  return {
    tickets: rows.reduce((sum, { tickets }) => sum + tickets, 0),
    nextTryAt: DateTime.min(...tries) ?? null,
    reasons: rows
      .slice(0, MOST_REASONS)
      .map(({ reason: why, tickets }) => ({ reason: why, tickets })),
  }
}

/** When the tokens end. Nothing of the tokens themselves is read here. */
export interface TokenTimes {
  readonly expiresAt: DateTime | null
  readonly refreshExpiresAt: DateTime | null
  readonly refreshedAt: DateTime
}

export async function readTokenTimes(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<TokenTimes | undefined> {
  return db
    .selectFrom('credential')
    .select(['expiresAt', 'refreshExpiresAt', 'refreshedAt'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
}

/** What was spent of the limit on all requests of an account. */
export interface AccountBudget {
  readonly limitPerMinute: number | null
  readonly slot: number
  readonly granted: readonly number[]
}

export async function readAccountBudget(
  db: Kysely<Database>,
  subdomain: Subdomain,
): Promise<AccountBudget | undefined> {
  return db
    .selectFrom('budget')
    .select(['limitPerMinute', 'slot', 'granted'])
    .where('account', '=', subdomain)
    .where('family', '=', 'account')
    .executeTakeFirst()
}

export async function readLastSlot(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<DateTime | null> {
  const row = await db
    .selectFrom('run')
    .select(({ fn }) => fn.max('slot').as('slot'))
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return row?.slot ?? null
}
