import test from 'ava'
import { removeWebhookOnce } from '../../../src/connect/webhook/remove-once.ts'
import { startProvisioning } from './provisioning.ts'

const WELL = { well: 1, unwell: 0, postponed: 0 }
const { signal } = new AbortController()

test('the daily look costs two requests and comes again within a day and an hour', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  await it.simulator.clearRequests()

  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  const [webhook] = await it.webhooks()
  t.deepEqual((await it.asked()).slice(0, 2), [
    'GET webhooks 200',
    `GET webhooks/${webhook!.id}/invocations 200`,
  ])
  t.is(it.endpoint.deliveries.length, 1)
  const dueInMs = (await it.checkOf(id)).dueAt.toMillis() - Date.now()
  t.true(dueInMs > 3_000_000 && dueInMs <= 25 * 3_600_000)
})

test('a webhook that is gone is made again, with a secret of its own', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const before = await it.known(id)
  await it.atZendesk('DELETE', `webhooks/${before!.zendeskWebhookId}`)

  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  const [webhook, ...more] = await it.webhooks()
  t.deepEqual(more, [])
  const after = await it.known(id)
  t.is(after!.zendeskWebhookId, webhook!.id)
  t.not(after!.secret, before!.secret)
  t.is(it.endpoint.deliveries.length, 2)
})

test('a webhook that is gone and may not be made again is missing', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  await it.atZendesk('DELETE', `webhooks/${(await it.known(id))!.zendeskWebhookId}`)
  await it.simulator.setAccount('acme', { webhooks: { most: 0 } })

  await it.makeDue()
  await it.provision()

  t.like(await it.shown(id), { webhook: { state: 'missing', problem: { code: 'limit_reached' } } })
  t.is(await it.known(id), undefined)
})

test('a webhook that was changed at Zendesk is put right', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const [before] = await it.webhooks()
  const changes = [
    { status: 'inactive' },
    { endpoint: 'https://elsewhere.example/hook' },
    { name: 'renamed by somebody' },
    { subscriptions: ['zen:event-type:ticket.created'] },
  ]
  for (const change of changes) {
    await it.atZendesk('PATCH', `webhooks/${before!.id}`, { webhook: change })

    await it.makeDue()
    t.deepEqual(await it.provision(), WELL)

    t.deepEqual(await it.webhooks(), [before!], JSON.stringify(change))
    t.like(await it.known(id), { zendeskWebhookId: before!.id })
  }
})

test('a service that has moved takes its webhooks along', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const [before] = await it.webhooks()

  await it.makeDue()
  await it.provision({ publicUrl: 'https://moved.example' })

  t.deepEqual(await it.webhooks(), [
    { ...before!, endpoint: `https://moved.example/webhooks/zendesk/${id}` },
  ])
})

test('a circuit that is broken is told of, looked at again soon, and forgotten when it holds', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  it.endpoint.told.status = 500
  await it.simulator.sendWebhook('acme', { copies: 40 })
  const outcomes = await it.simulator.sendWebhook('acme', {})
  t.like(outcomes, [{ status: 'circuit broken' }])

  await it.makeDue()
  t.deepEqual(await it.provision(), { well: 0, unwell: 1, postponed: 0 })
  t.like(await it.shown(id), {
    status: 'active',
    webhook: { state: 'provisioned', problem: { code: 'circuit_broken' } },
  })
  t.true((await it.checkOf(id)).dueAt.toMillis() < Date.now() + 3_600_000)

  it.endpoint.told.status = 200
  await it.simulator.advanceClock(10 * 60_000)
  await it.simulator.sendWebhook('acme', {})
  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)
  t.like(await it.shown(id), { webhook: { problem: null } })
})

test('a secret that was changed at Zendesk is fetched when deliveries fail', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const before = await it.known(id)
  await it.atZendesk('POST', `webhooks/${before!.zendeskWebhookId}/signing_secret`)
  it.endpoint.told.status = 401
  await it.simulator.sendWebhook('acme', {})
  it.endpoint.told.status = 200

  await it.makeDue()
  t.deepEqual(await it.provision(), WELL)

  const after = await it.known(id)
  t.not(after!.secret, before!.secret)
  t.is(after!.zendeskWebhookId, before!.zendeskWebhookId)
})

test('a new consent asks for a look at once, and makes no second webhook', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const begun = await it.ask('POST', `/admin/integrations/${id}/reconnect`)
  await it.open(await it.consent(begun))

  t.deepEqual(await it.provision(), WELL)

  t.is((await it.webhooks()).length, 1)
  t.is(it.endpoint.deliveries.length, 2)
})

test('our webhook is taken away by its id, and no other one', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  const stranger = await it.make({ name: 'another service', endpoint: 'https://a.example/in' })
  const { zendeskWebhookId } = (await it.known(id))!
  await it.atZendesk('PATCH', `webhooks/${zendeskWebhookId}`, { webhook: { name: 'renamed' } })

  t.deepEqual(await removeWebhookOnce(it.deps, it.accountOf(id), signal), { removed: 1 })

  t.deepEqual(
    (await it.webhooks()).map((webhook) => webhook.id),
    [stranger],
  )
  t.is(await it.known(id), undefined)
  t.deepEqual(await it.db.selectFrom('webhookCheck').selectAll().execute(), [])
  t.deepEqual(await removeWebhookOnce(it.deps, it.accountOf(id), signal), { removed: 0 })
})

test('one that was made and never written down is taken away as well', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({ kind: 'lost_answer', method: 'POST', family: 'webhooks' })
  await it.provision()
  t.is((await it.webhooks()).length, 1)

  t.deepEqual(await removeWebhookOnce(it.deps, it.accountOf(id), signal), { removed: 1 })

  t.deepEqual(await it.webhooks(), [])
})

test('a webhook that a person made stays at Zendesk, and its secret goes', async (t) => {
  const it = await startProvisioning(t, { ZENDESK_SCOPE: 'read' })
  const id = await it.connect()
  const secret = 'the-secret-of-a-person-in-full-length='
  await it.ask('PUT', `/admin/integrations/${id}/webhook-secret`, { json: { secret } })

  t.deepEqual(await removeWebhookOnce(it.deps, it.accountOf(id), signal), { removed: 0 })

  t.deepEqual(await it.asked(), [])
  t.is(await it.known(id), undefined)
})

test('a removal that fails at Zendesk leaves the rows, and is done again', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.provision()
  await it.simulator.setFault({ kind: 'status', status: 403, method: 'DELETE', times: 1 })

  await t.throwsAsync(removeWebhookOnce(it.deps, it.accountOf(id), signal), {
    code: 'ERR_WEBHOOK_REFUSED',
  })
  t.not(await it.known(id), undefined)
  t.deepEqual(await removeWebhookOnce(it.deps, it.accountOf(id), signal), { removed: 1 })
  t.deepEqual(await it.webhooks(), [])
})
