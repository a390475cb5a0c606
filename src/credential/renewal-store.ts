import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { IntegrationId, Subdomain } from '../ids.ts'
import type { IntegrationErrorCode } from '../platform/errors.ts'

/** Whose tokens are to be renewed. */
export interface Renewal {
  readonly integrationId: IntegrationId
  readonly subdomain: Subdomain
  readonly userId: number | null
  /** Which consent the tokens are of. */
  readonly connectedAt: DateTime | null
}

/** Errors that leave the tokens as they are; an integration that has one may yet come back. */
const TOKENS_LIVE: readonly IntegrationErrorCode[] = [
  'role_insufficient',
  'scope_insufficient',
  'zendesk_shape',
  'client_rejected',
]

/**
 * Claims refresh tokens that nobody has used for half of their life, longest overdue first. A claim
 * puts them off by an hour: no other worker takes them meanwhile, and a renewal that fails, or dies
 * with its worker, is tried again then.
 */
export async function claimRenewals(db: Kysely<Database>, limit: number): Promise<Renewal[]> {
  const rows = await db
    .updateTable('credential')
    .from('integration')
    .whereRef('integration.id', '=', 'credential.integrationId')
    .set({ renewBy: sql<Date>`now() + interval '1 hour'` })
    .where('credential.integrationId', 'in', (query) =>
      query
        .selectFrom('credential')
        .innerJoin('integration', 'integration.id', 'credential.integrationId')
        .select('credential.integrationId')
        .where('renewBy', '<=', sql<DateTime>`now()`)
        .where(({ eb, or }) =>
          or([
            eb('integration.status', 'in', ['active', 'paused']),
            eb('integration.errorCode', 'in', TOKENS_LIVE),
          ]),
        )
        .orderBy('renewBy')
        .limit(limit)
        .forUpdate('credential')
        .skipLocked(),
    )
    .returning(CLAIMED)
    .execute()
  return rows.map(toRenewal)
}

/**
 * Claims one integration for which our OAuth client was rejected, by chance: those that stay rejected
 * must not keep the others from their turn. One that was claimed is left alone for ten minutes, which
 * its `renew_by` tells.
 */
export async function claimRejected(db: Kysely<Database>): Promise<Renewal | undefined> {
  const row = await db
    .updateTable('credential')
    .from('integration')
    .whereRef('integration.id', '=', 'credential.integrationId')
    .set({ renewBy: sql<Date>`now() + interval '10 minutes'` })
    .where('credential.integrationId', 'in', (query) =>
      query
        .selectFrom('credential')
        .innerJoin('integration', 'integration.id', 'credential.integrationId')
        .select('credential.integrationId')
        .where('integration.status', '=', 'errored')
        .where('integration.errorCode', '=', 'client_rejected')
        .where('refreshToken', 'is not', null)
        .where(sql<boolean>`renew_by not between now() and now() + interval '10 minutes'`)
        .orderBy(sql`random()`)
        .limit(1)
        .forUpdate('credential')
        .skipLocked(),
    )
    .returning(CLAIMED)
    .executeTakeFirst()
  return row && toRenewal(row)
}

const CLAIMED = [
  'integration.id',
  'integration.subdomain',
  'integration.zendeskUserId',
  'integration.connectedAt',
] as const

function toRenewal(row: {
  readonly id: string
  readonly subdomain: string
  readonly zendeskUserId: number | null
  readonly connectedAt: DateTime | null
}): Renewal {
  return {
    integrationId: IntegrationId.parse(row.id),
    subdomain: Subdomain.parse(row.subdomain),
    userId: row.zendeskUserId,
    connectedAt: row.connectedAt,
  }
}
