import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Integration, IntegrationError } from './integration.ts'
import { flagErrored, flagRefused, lockIntegration } from './store.ts'

/**
 * Flags what Zendesk refuses, unless a new consent has taken the place of the one that it refused:
 * false then. Rejecting our client is about no consent, and flags more than this integration.
 */
export async function flagUnlessRenewed(
  db: Kysely<Database>,
  { id, connectedAt }: Pick<Integration, 'id' | 'connectedAt'>,
  error: IntegrationError,
): Promise<boolean> {
  if (error.code === 'client_rejected') {
    await flagRefused(db, id, error)
    return true
  }
  return db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, id)
    if (integration?.connectedAt?.toMillis() !== connectedAt?.toMillis()) return false
    await flagErrored(trx, id, error)
    return true
  })
}
