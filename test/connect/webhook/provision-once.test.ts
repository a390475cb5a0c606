import test from 'ava'
import { saveWebhookSecret } from '../../../src/credential/webhook/secret-store.ts'
import { signature } from '../../../src/simulator/delivery/sign.ts'
import { startProvisioning } from './provisioning.ts'

const WELL = { well: 1, unwell: 0, postponed: 0 }
const IDLE = { well: 0, unwell: 0, postponed: 0 }

test('a consent that covers webhooks leads to one, tried out, with its secret sealed', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  t.like(await it.shown(id), { status: 'active', webhook: { state: 'missing', problem: null } })

  t.deepEqual(await it.provision(), WELL)

  const [webhook, ...more] = await it.webhooks()
  t.deepEqual(more, [])
  const { name, subscriptions, ...rest } = webhook!
  t.true(name.includes(id))
  t.like(rest, {
    status: 'active',
    endpoint: `${it.config.publicUrl}/webhooks/zendesk/${id}`,
    http_method: 'POST',
    request_format: 'json',
  })
  t.is(subscriptions.length, 16)
  t.true(subscriptions.includes('zen:event-type:ticket.comment_made_private'))
  const known = await it.known(id)
  t.like(known, { zendeskWebhookId: webhook!.id, accountId: null })
  const row = await it.db.selectFrom('webhook').selectAll().executeTakeFirstOrThrow()
  t.false(row.signingSecret.includes(known!.secret))

  const [delivery, ...others] = it.endpoint.deliveries
  t.deepEqual(others, [])
  const { body, headers, path } = delivery!
  t.is(path, `/webhooks/zendesk/${id}`)
  const signedAt = String(headers['x-zendesk-webhook-signature-timestamp'])
  t.is(headers['x-zendesk-webhook-signature'], signature(known!.secret, signedAt, body))
  const event = JSON.parse(body) as { id: string; type: string }
  t.regex(event.id, /^[0-9a-f-]{36}$/)
  t.is(event.type, 'zen:event-type:hearflow.test')
  const { webhook: shown } = await it.shown(id)
  t.like(shown, { state: 'provisioned', problem: null, last_received_at: null })
  t.is(typeof shown['checked_at'], 'string')
  t.false(JSON.stringify(await it.shown(id)).includes(known!.secret))

  const before = await it.asked()
  t.deepEqual(await it.provision(), IDLE)
  t.deepEqual(await it.asked(), before)
})

test('a consent that does not cover webhooks asks for none', async (t) => {
  const it = await startProvisioning(t, { ZENDESK_SCOPE: 'read' })
  const id = await it.connect()

  t.deepEqual(await it.provision(), IDLE)

  t.deepEqual(await it.asked(), [])
  t.like(await it.shown(id), { status: 'active', webhook: { state: 'missing', problem: null } })
})

test('one that was made and never written down is taken over', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({ kind: 'lost_answer', method: 'POST', family: 'webhooks' })

  t.deepEqual(await it.provision(), { ...IDLE, unwell: 1 })
  const [orphan] = await it.webhooks()
  t.like(await it.shown(id), { webhook: { state: 'missing', problem: { code: 'unavailable' } } })
  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  t.deepEqual(
    (await it.webhooks()).map((webhook) => webhook.id),
    [orphan!.id],
  )
  t.like(await it.known(id), { zendeskWebhookId: orphan!.id })
  t.is(it.endpoint.deliveries.length, 1)
  t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: null } })
})

test('a worker that dies after it has stored the secret leaves the test to the next one', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({ kind: 'reset', path: 'webhooks/test', times: 1 })
  await it.provision()
  t.is(it.endpoint.deliveries.length, 0)
  t.like(await it.shown(id), { webhook: { state: 'provisioned', checked_at: null } })

  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  t.is((await it.webhooks()).length, 1)
  t.is(it.endpoint.deliveries.length, 1)
})

for (const kind of ['response', 'status'] as const) {
  test(`a test whose answer lacks its ${kind} says nothing against the webhook`, async (t) => {
    const it = await startProvisioning(t)
    const id = await it.connect()
    const inside = kind === 'status' ? { inside: 'response' } : {}
    const path = 'webhooks/test'
    await it.simulator.setFault({ kind: 'missing_field', field: kind, ...inside, path })

    t.deepEqual(await it.provision(), WELL)

    t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: null } })
  })
}

test('of several that are ours one stays, and nothing that is not certainly ours goes', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const [first] = await it.webhooks()
  await it.make({})
  await it.make({})
  const strangers = [
    await it.make({ endpoint: 'https://elsewhere.example/hook' }),
    await it.make({ name: `${first!.name} copy` }),
    await it.make({ name: 'another service' }),
  ]

  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  const left = (await it.webhooks()).map((webhook) => webhook.id)
  t.deepEqual(left.toSorted(), [first!.id, ...strangers].toSorted())
  t.like(await it.known(id), { zendeskWebhookId: first!.id })
})

test('two workers at once make one webhook', async (t) => {
  const it = await startProvisioning(t)
  await it.connect()

  const counts = await Promise.all([it.provision(), it.provision({ zendesk: it.client() })])

  t.is(counts[0].well + counts[1].well, 1)
  t.is((await it.webhooks()).length, 1)
  t.is(it.endpoint.deliveries.length, 1)
})

test('where two have made one each, one is left', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({ kind: 'slow', ms: 1_500, method: 'POST', path: 'api/v2/webhooks' })

  const slow = it.provision()
  await it.untilAsked('GET webhooks')
  await it.makeDue()
  await Promise.all([slow, it.provision({ zendesk: it.client() })])
  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  const [left, ...more] = await it.webhooks()
  t.deepEqual(more, [])
  t.like(await it.known(id), { zendeskWebhookId: left!.id })
})

test('a secret that a person tells while ours is being made wins', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  const theirs = { secret: 'the secret of a person', zendeskWebhookId: null }

  await it.provisionAround(id, (trx) => saveWebhookSecret(trx, it.deps.keys, id, theirs))

  t.like(await it.known(id), theirs)
  t.deepEqual(await it.webhooks(), [])
  t.deepEqual(await it.db.selectFrom('webhookCheck').selectAll().execute(), [])
})

test('an integration that was disconnected meanwhile gets no webhook', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()

  await it.provisionAround(id, (trx) =>
    trx.updateTable('integration').set({ status: 'disconnected' }).execute(),
  )

  t.is(await it.known(id), undefined)
  t.deepEqual(await it.webhooks(), [])
  t.deepEqual(await it.db.selectFrom('webhookCheck').selectAll().execute(), [])
})

test('one that another worker has stored meanwhile stays', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  let theirs = ''

  await it.provisionAround(id, async (trx) => {
    theirs = await it.make({})
    const webhook = { secret: 'the secret of theirs', zendeskWebhookId: theirs }
    await saveWebhookSecret(trx, it.deps.keys, id, webhook)
  })

  t.like(await it.known(id), { zendeskWebhookId: theirs })
  t.deepEqual(
    (await it.webhooks()).map((webhook) => webhook.id),
    [theirs],
  )
  t.like(await it.checkOf(id), { problem: null })
})

test('one that stands still is not asked about', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.db
    .updateTable('integration')
    .set({ status: 'errored', errorCode: 'credentials_revoked', errorMessage: 'revoked' })
    .execute()

  t.deepEqual(await it.provision(), { ...IDLE, postponed: 1 })

  t.deepEqual(await it.asked(), [])
  t.true((await it.checkOf(id)).dueAt.toMillis() > Date.now() + 3_000_000)
})
