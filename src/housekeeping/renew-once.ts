import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Renewal } from '../credential/renewal-store.ts'
import { findIntegration, markHealed } from '../integration/store.ts'
import { resumeBackfill } from '../run/due/backfill-store.ts'
import { catchUp } from '../run/due/catch-up-once.ts'
import type { ZendeskClient } from '../zendesk/client.ts'

export interface RenewalDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly quotaShare: number
  /** The time of the day of all slots. */
  readonly timeUtc: string
}

/**
 * Renews the tokens of one integration. If that works, our OAuth client is accepted: an integration
 * that stood still because it was not goes on where it stopped, and catches up. True if it did.
 */
export async function renewOnce(
  { db, zendesk, quotaShare, timeUtc }: RenewalDeps,
  renewal: Renewal,
  signal: AbortSignal,
): Promise<boolean> {
  const { integrationId } = renewal
  try {
    await zendesk.renewToken({ ...renewal, quotaShare }, signal)
  } finally {
    await zendesk.storeRequestCounts(integrationId)
  }
  return db.transaction().execute(async (trx) => {
    if (!(await markHealed(trx, integrationId))) return false
    await resumeBackfill(trx, integrationId, 'client_rejected')
    const integration = await findIntegration(trx, integrationId)
    if (integration?.status === 'active') await catchUp(trx, integration, timeUtc)
    return true
  })
}
