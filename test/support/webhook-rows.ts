import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { saveWebhookSecret } from '../../src/credential/webhook/secret-store.ts'
import { IntegrationId } from '../../src/ids.ts'
import type { Config } from '../../src/platform/config/config.ts'
import { SIGNING_SECRET } from './signed.ts'

/** Stores the secret of a webhook, as a person does who has made one by hand. */
export async function storeSigningSecret(
  db: Kysely<Database>,
  config: Config,
  integrationId: IntegrationId,
  secret = SIGNING_SECRET,
): Promise<void> {
  const { encryptionKeys } = config.secrets
  await db
    .transaction()
    .execute((trx) =>
      saveWebhookSecret(trx, encryptionKeys, integrationId, { secret, zendeskWebhookId: null }),
    )
}

/** An integration whose webhook has told its secret. */
export async function aHintedIntegration(
  db: Kysely<Database>,
  config: Config,
): Promise<IntegrationId> {
  const name = `acme-${randomBytes(6).toString('hex')}`
  await db.insertInto('workspace').values({ id: name }).execute()
  const { id } = await db
    .insertInto('integration')
    .values({ workspaceId: name, subdomain: name })
    .returning('id')
    .executeTakeFirstOrThrow()
  const integrationId = IntegrationId.parse(id)
  await storeSigningSecret(db, config, integrationId)
  return integrationId
}
