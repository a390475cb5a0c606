import type { Kysely } from 'kysely'
import type { DateTime } from 'luxon'
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
  const count = (outcome: string) => outcomes.find((row) => row.outcome === outcome)?.tickets ?? 0
  return {
    published: count('published'),
    filtered: count('filtered'),
    noPublicComments: count('no_public_comments'),
    gone: count('gone'),
    quarantined: count('quarantined'),
    retracted,
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
