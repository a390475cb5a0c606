import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { destroyWebhookSecret, readWebhookId } from '../../credential/webhook/secret-store.ts'
import { dropWebhookCheck } from '../../integration/webhook/check-store.ts'
import type { ZendeskClient } from '../../zendesk/client.ts'
import type { ZendeskAccount } from '../../zendesk/types.ts'
import { planFor, wantedWebhook } from './wanted.ts'

export interface RemoveDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly publicUrl: string
}

/**
 * Takes our webhook away from an account, and what we know of it: the one that we made, by its id, and
 * any that a worker made and did not live to write down. One that a person made stays at Zendesk. It
 * needs the token, so it comes before that is revoked. Rows go last: cut short, it is done again.
 */
export async function removeWebhookOnce(
  { db, zendesk, publicUrl }: RemoveDeps,
  account: ZendeskAccount,
  signal: AbortSignal,
): Promise<{ removed: number }> {
  const { integrationId } = account
  const knownId = await readWebhookId(db, integrationId)
  const isOurs = typeof knownId === 'string' || (await isLookedAfter(db, account))
  const ids = new Set(typeof knownId === 'string' ? [knownId] : [])
  if (isOurs) {
    const listed = await zendesk.webhooks.list(account, integrationId, { signal })
    const { keep, extraIds } = planFor(wantedWebhook(publicUrl, integrationId), {
      own: null,
      listed,
    })
    for (const id of [...(keep === null ? [] : [keep.id]), ...extraIds]) ids.add(id)
  }
  for (const id of ids) await zendesk.webhooks.remove(account, id, { signal })
  await db.transaction().execute(async (trx) => {
    await destroyWebhookSecret(trx, integrationId)
    await dropWebhookCheck(trx, integrationId)
  })
  return { removed: ids.size }
}

async function isLookedAfter(
  db: Kysely<Database>,
  { integrationId }: ZendeskAccount,
): Promise<boolean> {
  const row = await db
    .selectFrom('webhookCheck')
    .select('integrationId')
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return row !== undefined
}
