import type { Kysely } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, WebhookProblem } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'

/** What is known of the webhook of an integration. Nothing of its secret is read here. */
export interface WebhookState {
  readonly state: 'provisioned' | 'manual' | 'missing'
  readonly lastReceivedAt: DateTime | null
  readonly checkedAt: DateTime | null
  readonly problem: WebhookProblem | null
  readonly silentShare: number | null
}

export async function readWebhookState(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<WebhookState> {
  const webhook = await db
    .selectFrom('webhook')
    .select(['zendeskWebhookId', 'lastReceivedAt', 'silentShare'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  const check = await db
    .selectFrom('webhookCheck')
    .select(['checkedAt', 'problem'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return {
    state: stateOf(webhook),
    lastReceivedAt: webhook?.lastReceivedAt ?? null,
    silentShare: webhook?.silentShare ?? null,
    checkedAt: check?.checkedAt ?? null,
    problem: check?.problem ?? null,
  }
}

function stateOf(
  webhook: { readonly zendeskWebhookId: string | null } | undefined,
): WebhookState['state'] {
  if (webhook === undefined) return 'missing'
  return webhook.zendeskWebhookId === null ? 'manual' : 'provisioned'
}
