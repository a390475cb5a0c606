import { type IncomingHttpHeaders, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'
import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { provisionOnce } from '../../../src/connect/webhook/provision-once.ts'
import { readCredential } from '../../../src/credential/store.ts'
import { readWebhookSecret } from '../../../src/credential/webhook/secret-store.ts'
import { IntegrationId, Subdomain } from '../../../src/ids.ts'
import { lockIntegration } from '../../../src/integration/store.ts'
import type { Environment } from '../../../src/platform/config/config.ts'
import { setLogLevel } from '../../../src/platform/log.ts'
import { ZendeskClient } from '../../../src/zendesk/client.ts'
import { startConsent } from '../../support/consent.ts'
import { until } from '../../support/truth.ts'

interface Delivery {
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Where the webhook leads to: it answers with what `status` says. */
async function anEndpoint(t: ExecutionContext) {
  const deliveries: Delivery[] = []
  const told = { status: 200 }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      deliveries.push({ path: request.url, headers: request.headers, body })
      response.writeHead(told.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, deliveries, told }
}

/** A webhook as Zendesk shows it. */
export interface Shown {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly endpoint: string
  readonly subscriptions: readonly string[]
  readonly [field: string]: unknown
}

/** An account whose consent covers webhooks, and an endpoint of the test's own. */
export async function startProvisioning(t: ExecutionContext, overrides: Environment = {}) {
  const endpoint = await anEndpoint(t)
  const consent = await startConsent(t, {
    overrides: {
      ZENDESK_SCOPE: 'read webhooks:write',
      PUBLIC_URL: endpoint.url,
      ...overrides,
    },
  })
  setLogLevel('silent')
  const { db, config, simulator, ask } = consent
  const keys = config.secrets.encryptionKeys
  const connect = async (): Promise<IntegrationId> => {
    const begun = await consent.begin()
    const page = await consent.open(await consent.consent(begun))
    if (page.status !== 200) throw new Error(`the consent ended with ${page.status}`)
    return IntegrationId.parse(begun.at('integration_id'))
  }
  const client = (): ZendeskClient => {
    const zendesk = new ZendeskClient({ db, config })
    t.teardown(() => zendesk[Symbol.asyncDispose]())
    return zendesk
  }
  const zendesk = client()
  const { signal } = new AbortController()
  const deps = { db, zendesk, keys, publicUrl: config.publicUrl, quotaShare: 1 }
  const accountOf = (integrationId: IntegrationId) => ({
    integrationId,
    subdomain: Subdomain.parse('acme'),
    quotaShare: 1,
    userId: null,
  })
  /** Asks the simulated account as the service does, without the service. */
  const atZendesk = async (method: string, path: string, body?: object) => {
    const row = await db.selectFrom('credential').select('integrationId').executeTakeFirstOrThrow()
    const credential = await readCredential(db, keys, IntegrationId.parse(row.integrationId))
    const answer = await fetch(`${simulator.url}/acme/api/v2/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${credential?.accessToken}`,
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const json = await answer.text()
    return (json === '' ? {} : JSON.parse(json)) as Record<string, unknown>
  }
  const webhooks = async () => (await atZendesk('GET', 'webhooks'))['webhooks'] as Shown[]
  const make = async (fields: object): Promise<string> => {
    const [template] = await webhooks()
    const { name, endpoint: at, subscriptions } = template!
    const answer = await atZendesk('POST', 'webhooks', {
      webhook: {
        name,
        endpoint: at,
        subscriptions,
        status: 'active',
        http_method: 'POST',
        request_format: 'json',
        ...fields,
      },
    })
    return (answer['webhook'] as Shown).id
  }
  const asked = async () =>
    (await simulator.requests({ family: 'webhooks' })).map(
      ({ method, path, status }) => `${method} ${path.replace('/api/v2/', '')} ${status}`,
    )
  const provision = (more: Partial<typeof deps> = {}) => provisionOnce({ ...deps, ...more }, signal)
  return {
    ...consent,
    endpoint,
    deps,
    connect,
    client,
    accountOf,
    atZendesk,
    webhooks,
    /** Another one at Zendesk, like ours but for these fields. */
    make,
    provision,
    makeDue: () =>
      db
        .updateTable('webhookCheck')
        .set({ dueAt: new Date(0) })
        .execute(),
    known: (id: IntegrationId) => readWebhookSecret(db, keys, id),
    checkOf: (id: IntegrationId) =>
      db
        .selectFrom('webhookCheck')
        .selectAll()
        .where('integrationId', '=', id)
        .executeTakeFirstOrThrow(),
    shown: async (id: IntegrationId) => {
      const { json } = await ask('GET', `/admin/integrations/${id}`)
      return json as { status: string; error: unknown; webhook: Record<string, unknown> }
    },
    /** Requests about webhooks that have reached the account: `POST webhooks 201`. */
    asked,
    untilAsked: (part: string) =>
      until(async () => (await asked()).some((request) => request.includes(part))),
    /** Lets something happen after the webhook was made and before its secret is stored. */
    provisionAround: async (id: IntegrationId, happen: (trx: Transaction<Database>) => unknown) => {
      const provisioning = await db.transaction().execute(async (trx) => {
        await lockIntegration(trx, id)
        const ended = provision()
        await until(async () => (await asked()).some((request) => /signing_secret/.test(request)))
        await happen(trx)
        return { ended }
      })
      await provisioning.ended
    },
  }
}
