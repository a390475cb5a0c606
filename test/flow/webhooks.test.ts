import test from 'ava'
import { EVENT_SUBSCRIPTIONS } from '../../src/hint/event-type.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { TEST_SECRET } from '../../src/simulator/delivery/sign.ts'
import { PERSONAL_TOKEN, PRIVATE_TOKEN, PUBLIC_TOKEN } from '../../src/simulator/world/tokens.ts'
import { type Desk, type Json, deskWith } from '../simulator/support.ts'
import { testDatabase } from '../support/database.ts'
import { dumpRows } from '../support/dump.ts'
import { testEnvironment } from '../support/environment.ts'
import { spawnEntry } from '../support/service.ts'
import { until } from '../support/truth.ts'
import { aHintedIntegration, storeSigningSecret } from '../support/webhook-rows.ts'

const STALE = '2026-01-01T00:00:00Z'

test('what happens at Zendesk becomes hints, and of its words nothing stays anywhere', async (t) => {
  const desk = await deskWith(t, { tickets: 50, shape: { deletedShare: 0 } }, { minuteMs: 60 })
  const { url, db } = await testDatabase(t)
  const environment = await testEnvironment(url, desk.simulator, { LOG_LEVEL: 'trace' })
  const config = loadConfig(environment)
  const integrationId = await aHintedIntegration(db, config)
  const web = spawnEntry(t, 'src/web.ts', environment)
  await until(async () => /"msg":"listening"/.test(web.output()))
  const webhookId = await subscribe(desk, `${config.publicUrl}/webhooks/zendesk/${integrationId}`)
  const { json } = await desk.get(`/api/v2/webhooks/${webhookId}/signing_secret`)
  const { secret } = json['signing_secret'] as { secret: string }
  await storeSigningSecret(db, config, integrationId, secret)

  await desk.simulator.setAccount('acme', { webhooks: { copies: 2, reverseBatch: 3 } })
  await liveThrough(desk)
  await desk.simulator.webhooksSettled('acme')

  const attempts = await attemptsOf(desk, webhookId)
  t.true(attempts.length > 40)
  t.deepEqual([...new Set(attempts.map(({ status_code: status }) => status))], [200])
  const told = new Set(attempts.map((attempt) => JSON.parse(bodyOf(attempt)).id as string))
  const rows = await db.selectFrom('hint').select(['eventId', 'class']).execute()
  t.deepEqual(rows.map(({ eventId }) => eventId).toSorted(), [...told].toSorted())
  t.true(rows.some((row) => row.class === 'privacy'))

  const send = async (raw: Parameters<typeof desk.simulator.sendWebhook>[1]) =>
    (await desk.simulator.sendWebhook('acme', raw)).map(({ statusCode }) => statusCode)
  t.deepEqual(await send({ type: 'ticket.brand_new' }), [200])
  t.deepEqual(await send({ envelope: { account_id: 7 } }), [400])
  t.deepEqual(await send({ body: '{"test":true}' }), [400])
  t.deepEqual(await send({ timestamp: STALE }), [401])
  t.deepEqual(await send({ secret: TEST_SECRET }), [401])
  t.deepEqual(await send({ paddingBytes: 900_000 }), [200])
  t.deepEqual(await send({ paddingBytes: 1_100_000 }), [413])

  const sent = attempts.map(bodyOf).join('\n')
  const places = { rows: await dumpRows(url), logs: web.output() }
  for (const token of [PRIVATE_TOKEN, PUBLIC_TOKEN, PERSONAL_TOKEN]) {
    t.true((sent.match(token) ?? []).length > 0, `deliveries carry ${token}`)
    for (const [place, text] of Object.entries(places)) t.deepEqual(text.match(token), null, place)
  }
  t.regex(places.logs, /"route":"\/webhooks\/zendesk\/:integration_id","status":200/)
  t.false(places.logs.includes(integrationId))
})

async function subscribe(desk: Desk, endpoint: string): Promise<string> {
  const { json } = await desk.send('POST', '/api/v2/webhooks', {
    webhook: {
      name: 'hints',
      status: 'active',
      endpoint,
      http_method: 'POST',
      request_format: 'json',
      subscriptions: EVENT_SUBSCRIPTIONS,
    },
  })
  return String((json['webhook'] as Json)['id'])
}

/** Comments, public and private, and what takes them back. */
async function liveThrough(desk: Desk): Promise<void> {
  const { mutate } = desk.simulator
  for (let ticketId = 1; ticketId <= 20; ticketId++) {
    await mutate('acme', { kind: 'add_comment', ticketId, isPublic: ticketId % 2 === 0 })
  }
  await mutate('acme', { kind: 'redact', ticketId: 21, index: 0 })
  await mutate('acme', { kind: 'make_private', ticketId: 22, index: 0 })
  await mutate('acme', { kind: 'delete', ticketId: 23 })
  await mutate('acme', { kind: 'set_tags', ticketId: 24, tags: [] })
}

interface Attempt {
  readonly status_code: number
  readonly request: { readonly payload: string }
}

const bodyOf = ({ request }: Attempt): string => request.payload

async function attemptsOf(desk: Desk, webhookId: string): Promise<Attempt[]> {
  const path = `/api/v2/webhooks/${webhookId}/invocations`
  const { json } = await desk.get(path)
  const invocations = json['invocations'] as readonly { readonly id: string }[]
  const pages = await Promise.all(
    invocations.map(async ({ id }) => (await desk.get(`${path}/${id}/attempts`)).json),
  )
  return pages.flatMap((page) => page['attempts'] as Attempt[])
}
