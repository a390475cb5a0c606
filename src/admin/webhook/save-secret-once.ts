import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { readWebhookId, saveWebhookSecret } from '../../credential/webhook/secret-store.ts'
import type { IntegrationId } from '../../ids.ts'
import { lockIntegration } from '../../integration/store.ts'
import { dropWebhookCheck } from '../../integration/webhook/check-store.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { RequestError } from '../../platform/errors.ts'

/**
 * Takes the secret of a webhook that a person has made at Zendesk; from then on that webhook is theirs
 * to keep, also where the service was about to make one. One that the service has made already is not
 * replaced: both would deliver everything, and only those of one could be believed.
 */
export async function saveSecretOnce(
  { db, keys }: { readonly db: Kysely<Database>; readonly keys: readonly EncryptionKey[] },
  integrationId: IntegrationId,
  secret: string,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, integrationId)
    if (integration === undefined) {
      throw new RequestError(404, 'not_found', 'there is no such integration')
    }
    if (integration.status === 'disconnected') {
      throw new RequestError(409, 'disconnected', 'this integration was disconnected')
    }
    if (typeof (await readWebhookId(trx, integrationId)) === 'string') {
      throw new RequestError(
        409,
        'already_provisioned',
        'the service has made a webhook at Zendesk itself and knows its secret: another one is not needed',
      )
    }
    await saveWebhookSecret(trx, keys, integrationId, { secret, zendeskWebhookId: null })
    await dropWebhookCheck(trx, integrationId)
  })
}
