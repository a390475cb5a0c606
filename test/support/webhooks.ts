import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { IntegrationId } from '../../src/ids.ts'
import type { Environment } from '../../src/platform/config/config.ts'
import { type SignedOptions, eventBody, signedHeaders } from './signed.ts'
import { type Answer, type TestWeb, startTestWeb } from './web.ts'
import { aHintedIntegration } from './webhook-rows.ts'

export interface Sending extends SignedOptions {
  readonly to?: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface WebhookWeb extends TestWeb {
  readonly integrationId: IntegrationId
  /** Delivers an event, or the body that is given, as Zendesk does unless it is told otherwise. */
  readonly send: (sending?: Sending) => Promise<Answer>
  readonly hints: () => Promise<{ readonly eventId: string; readonly ticketId: number }[]>
}

/** A web process's part with an integration whose webhook has told its secret. */
export async function startWebhookWeb(
  t: ExecutionContext,
  overrides: Environment = {},
): Promise<WebhookWeb> {
  const web = await startTestWeb(t, overrides)
  const integrationId = await aHintedIntegration(web.db, web.config)
  const send = ({ to, body, headers, ...signed }: Sending = {}): Promise<Answer> => {
    const sent = body ?? eventBody({ id: randomUUID(), accountId: signed.accountId })
    return web.ask('POST', `/webhooks/zendesk/${to ?? integrationId}`, {
      token: null,
      body: sent,
      headers: { ...signedHeaders(sent, signed), ...headers },
    })
  }
  const hints: WebhookWeb['hints'] = () =>
    web.db.selectFrom('hint').select(['eventId', 'ticketId']).orderBy('eventId').execute()
  return { ...web, integrationId, send, hints }
}
