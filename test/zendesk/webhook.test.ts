import test from 'ava'
import { WebhookRefusedError } from '../../src/platform/errors.ts'
import {
  readInvocations,
  readTest,
  readWebhookAnswer,
  readWebhookPage,
} from '../../src/zendesk/webhooks/webhook.ts'
import { testGateway } from '../support/gateway.ts'
import { HTML } from '../support/zendesk-json.ts'

const refusals: readonly (readonly [
  what: string,
  status: number,
  body: unknown,
  problem: string,
])[] = [
  [
    'a scope',
    403,
    { error: 'Forbidden', description: 'You are missing the following required scopes: write' },
    'scope_missing',
  ],
  ['a role', 403, { error: { title: 'Forbidden', message: 'Contact the owner' } }, 'forbidden'],
  ['a limit of the plan', 403, { error: { title: 'Webhook limit reached' } }, 'limit_reached'],
  ['a limit', 422, { error: 'RecordInvalid', details: { base: 'maximum of 10' } }, 'limit_reached'],
  ['an endpoint', 422, { error: 'RecordInvalid', description: 'no https' }, 'rejected'],
  ['anything else', 400, { errors: [{ code: 'Bad' }] }, 'rejected'],
]
for (const [what, status, body, problem] of refusals) {
  test(`what Zendesk refuses about a webhook for ${what} is its own problem`, (t) => {
    const reading = readWebhookAnswer({ status, headers: {}, body: JSON.stringify(body) })

    if (reading.kind !== 'failed') return t.fail(reading.kind)
    t.true(reading.error instanceof WebhookRefusedError)
    t.like(reading.error, { problem, remedy: 'skip' })
    t.notRegex(reading.error.message, /owner|maximum|https/)
  })
}

test('the page of a proxy refuses nothing', (t) => {
  t.is(readWebhookAnswer({ status: 403, headers: {}, body: HTML }).kind, 'unavailable')
})

test('an account that is gone is not a problem of its webhook', (t) => {
  const body = JSON.stringify({ error: { title: 'No help desk at acme.zendesk.com', message: '' } })

  t.like(readWebhookAnswer({ status: 404, headers: {}, body }), {
    kind: 'failed',
    error: { integrationError: 'account_changed' },
  })
})

const webhook = {
  id: '01JTAAAAAAAAAAAAAAAAAAAAAA',
  name: 'hints',
  status: 'active',
  endpoint: 'https://a.example/in',
  subscriptions: ['zen:event-type:ticket.created'],
  created_at: '2026-01-01T00:00:00Z',
}

test('a webhook is read by the few fields that concern us', (t) => {
  const value = { webhooks: [webhook, { ...webhook, status: 'inactive', subscriptions: null }] }

  const { webhooks, next } = readWebhookPage({ kind: 'answered', value })

  t.is(next, undefined)
  t.like(webhooks[0], { id: webhook.id, isActive: true, subscriptions: webhook.subscriptions })
  t.like(webhooks[1], { isActive: false, subscriptions: [] })
})

for (const id of ['../tickets/1', '', 'a b', 7]) {
  test(`an id that is none stops the look: ${JSON.stringify(id)}`, (t) => {
    const value = { webhooks: [{ ...webhook, id }] }

    const error = t.throws(() => readWebhookPage({ kind: 'answered', value }))

    t.like(error, { code: 'ERR_ZENDESK_SHAPE' })
  })
}

test('deliveries without an end say nothing', (t) => {
  const value = {
    invocations: [
      { id: '1', status: 'Success', status_code: 200, latest_completed_at: '2026-01-01T00:00:00Z' },
      { id: '2', status: 'pending', latest_completed_at: null },
      { id: '3', status: 'throttled' },
    ],
  }

  t.deepEqual(readInvocations({ kind: 'answered', value }), [
    { status: 'success', completedMs: Date.parse('2026-01-01T00:00:00Z') },
  ])
})

test('a test has failed if an endpoint has answered so', (t) => {
  const tested = (response: unknown) => readTest({ kind: 'answered', value: { response } })

  t.true(tested({ status: 200, headers: [], payload: '' }))
  t.false(tested({ status: 404 }))
  t.false(tested({ status: null }))
  t.false(tested(null))
  t.true(tested({}))
  t.true(tested(undefined))
})

test('a list is read to its last page', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const query = { 'filter[name_contains]': 'hints', 'page[size]': '100' }
  host
    .get('/api/v2/webhooks')
    .query(query)
    .reply(200, { webhooks: [webhook], meta: { has_more: true, after_cursor: 'next' } })
  host
    .get('/api/v2/webhooks')
    .query({ ...query, 'page[after]': 'next' })
    .reply(200, { webhooks: [{ ...webhook, id: '01JB' }], meta: { has_more: false } })

  const webhooks = await zendesk.webhooks.list(account, 'hints', { signal })

  t.deepEqual(
    webhooks.map(({ id }) => id),
    [webhook.id, '01JB'],
  )
})

test('a webhook is made once, even if nobody knows whether it worked', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const settings = { name: 'hints', endpoint: webhook.endpoint, subscriptions: ['zen:a'] }
  host
    .post('/api/v2/webhooks', {
      webhook: { ...settings, status: 'active', http_method: 'POST', request_format: 'json' },
    })
    .reply(502, HTML)

  const error = await t.throwsAsync(zendesk.webhooks.make(account, settings, { signal }))

  t.like(error, { code: 'ERR_ZENDESK_UNAVAILABLE', status: 502 })
})
