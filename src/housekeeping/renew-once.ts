import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Renewal } from '../credential/renewal-store.ts'
import { markHealed } from '../integration/store.ts'
import { resumeBackfill } from '../run/due/backfill-store.ts'
import type { ZendeskClient } from '../zendesk/client.ts'

export interface RenewalDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly quotaShare: number
}

/**
 * Renews the tokens of one integration. If that works, our OAuth client is accepted: an integration
 * that stood still because it was not goes on where it stopped. True if it did stand still.
 */
export async function renewOnce(
  { db, zendesk, quotaShare }: RenewalDeps,
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
    const isHealed = await markHealed(trx, integrationId)
    if (isHealed) await resumeBackfill(trx, integrationId, 'client_rejected')
    return isHealed
  })
}
