import type { Kysely } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { Database } from '../../db/schema.ts'
import type { TokenGrant } from '../credential/credential.ts'
import { saveCredential } from '../credential/store.ts'
import type { IntegrationId } from '../ids.ts'
import { lockIntegration, markConnected } from '../integration/store.ts'
import { requestWebhookCheck } from '../integration/webhook/check-store.ts'
import { wakeRuns } from '../platform/boss.ts'
import type { Config } from '../platform/config/config.ts'
import { RequestError } from '../platform/errors.ts'
import { queueBackfill } from '../run/due/backfill-store.ts'
import { catchUp } from '../run/due/catch-up-once.ts'
import { dueTurnOf } from '../run/due/due-store.ts'
import { mayMakeWebhooks } from './webhook/wanted.ts'

const DAY_MS = 86_400_000

/**
 * Makes the integration active, with its credential, its backfill and the job that wakes it, and the
 * note that its webhook is to be made where the consent lets us; or changes nothing: all of it is one
 * transaction. One that an error had stopped catches up, for its last sync may have failed of it.
 */
export async function activateOnce(
  { db, boss, config }: { db: Kysely<Database>; boss: PgBoss; config: Config },
  integrationId: IntegrationId,
  consented: { grant: TokenGrant; zendeskUserId: number },
): Promise<void> {
  const windowFrom = new Date(Date.now() - config.backfillDays * DAY_MS)
  await db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, integrationId)
    if (integration === undefined || integration.status === 'disconnected') {
      throw new RequestError(409, 'disconnected', 'the integration was disconnected meanwhile')
    }
    await saveCredential(trx, config.secrets.encryptionKeys, integrationId, consented.grant)
    await markConnected(trx, integration, consented.zendeskUserId)
    await queueBackfill(trx, integrationId, windowFrom)
    if (integration.status === 'errored') await catchUp(trx, integration, config.syncTimeUtc)
    if (mayMakeWebhooks(consented.grant.scope)) await requestWebhookCheck(trx, integrationId)
    await wakeRuns(boss, trx, await dueTurnOf(trx, integrationId))
  })
}
