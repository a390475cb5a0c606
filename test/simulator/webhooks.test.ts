import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import type { AttemptOutcome } from '../../src/simulator/delivery/attempt.ts'
import { waitBeforeRetry } from '../../src/simulator/delivery/retry.ts'
import { prettyJson, signature, TEST_SECRET } from '../../src/simulator/delivery/sign.ts'
import { codeFor, deskWith, exchange, request, rowsOf } from './support.ts'
import type { Desk, Json } from './support.ts'

interface Received {
  readonly headers: Record<string, string>
  readonly body: string
  readonly json: Json
}

interface Receiver {
  readonly endpoint: string
  readonly received: Received[]
}

/** Answers each request with the next status, the last one for ever. */
async function receiver(
  t: ExecutionContext,
  statuses: readonly number[] = [200],
): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      const headers = request.headers as Record<string, string>
      received.push({ headers, body, json: JSON.parse(body) as Json })
      const status = statuses[Math.min(received.length, statuses.length) - 1] ?? 200
      response.writeHead(status).end()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { endpoint: `http://127.0.0.1:${port}/hook`, received }
}

async function subscribe(desk: Desk, endpoint: string, types: readonly string[]): Promise<Json> {
  const { json } = await desk.send('POST', '/api/v2/webhooks', {
    webhook: {
      name: 'hints',
      status: 'active',
      endpoint,
      http_method: 'POST',
      request_format: 'json',
      subscriptions: types.map((type) => `zen:event-type:ticket.${type}`),
    },
  })
  return json['webhook'] as Json
}

/** A minute of 60 ms makes the waits of the retry table short. */
const FAST = { minuteMs: 60 }

test('signatures follow the published vectors', (t) => {
  const at = '2021-03-25T05:09:27Z'

  t.is(signature(TEST_SECRET, at, ''), 'wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRWw=')
  t.is(
    signature(TEST_SECRET, at, '{"event":"ticket.updated","id":123}'),
    'S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=',
  )
})

test('bodies have sorted keys, three spaces and a final line break', (t) => {
  t.is(
    prettyJson({ b: [1, 'x'], a: { c: null }, e: {}, d: [] }),
    '{\n   "a": {\n      "c": null\n   },\n   "b": [\n      1,\n      "x"\n   ],\n   "d": [ ],\n   "e": { }\n}\n',
  )
})

test('a webhook is created, shown, changed, cloned and deleted', async (t) => {
  const desk = await deskWith(t)
  const made = await subscribe(desk, 'https://hooks.example.com/a', ['comment_added'])
  const path = `/api/v2/webhooks/${String(made['id'])}`
  const shown = (await desk.get(path)).json['webhook'] as Json
  const renamed = await desk.send('PATCH', path, { webhook: { name: 'renamed' } })
  const cloned = await desk.send(
    'POST',
    `/api/v2/webhooks?clone_webhook_id=${String(made['id'])}`,
    {
      webhook: { name: 'clone' },
    },
  )
  const found = (await desk.get('/api/v2/webhooks?filter[name_contains]=rena')).json

  t.regex(String(made['id']), /^[0-9A-HJKMNP-TV-Z]{26}$/)
  t.regex(String(made['created_at']), /\.\d{9}Z$/)
  t.regex(String(shown['created_at']), /:\d\dZ$/)
  t.is(renamed.status, 204)
  t.is(cloned.status, 201)
  t.deepEqual(
    rowsOf(found, 'webhooks').map((webhook) => webhook['id']),
    [made['id']],
  )
  t.is((await desk.send('DELETE', path)).status, 204)
  t.is((await desk.get(path)).status, 404)
})

test('a webhook for events must be POST and JSON, stay one, and reach a public address', async (t) => {
  const desk = await deskWith(t)
  const made = await subscribe(desk, 'https://hooks.example.com/a', ['created'])
  const path = `/api/v2/webhooks/${String(made['id'])}`
  const refusals = [
    await desk.send('PATCH', path, { webhook: { http_method: 'GET' } }),
    await desk.send('PATCH', path, { webhook: { subscriptions: ['conditional_ticket_events'] } }),
    await desk.send('PATCH', path, { webhook: { endpoint: 'http://hooks.example.com/' } }),
    await desk.send('POST', '/api/v2/webhooks', { webhook: { name: '' } }),
  ]

  for (const { status, json } of refusals) {
    t.is(status, 422)
    t.is(json['error'], 'RecordInvalid')
  }
})

test('a plan allows so many webhooks and no more', async (t) => {
  const desk = await deskWith(t, { settings: { webhooks: { most: 1 } } })
  await subscribe(desk, 'https://a.example/in', ['created'])

  const { status, json } = await desk.send('POST', '/api/v2/webhooks', {
    webhook: { name: 'one more', endpoint: 'https://a.example/in', subscriptions: [] },
  })

  t.is(status, 422)
  t.is(json['error'], 'RecordInvalid')
})

test('a token with read alone sees webhooks and makes none', async (t) => {
  const { simulator } = await deskWith(t)
  const base = `${simulator.url}/acme`
  const { json } = await exchange(base, await codeFor(base, { scope: 'read' }))
  const headers = { Authorization: `Bearer ${String(json['access_token'])}` }

  t.is((await request(`${base}/api/v2/webhooks`, { headers })).status, 200)
  const made = await request(`${base}/api/v2/webhooks`, { headers, method: 'POST' })
  t.is(made.status, 403)
  t.regex(made.text, /missing the following required scopes: write/)
})

test('secrets of the authentication never come back', async (t) => {
  const desk = await deskWith(t)
  const { text } = await desk.send('POST', '/api/v2/webhooks', {
    webhook: {
      name: 'with a token',
      endpoint: 'https://hooks.example.com/',
      subscriptions: ['zen:event-type:ticket.created'],
      authentication: { type: 'bearer_token', add_position: 'header', data: { token: 'hush' } },
    },
  })

  t.regex(text, /"type":"bearer_token"/)
  t.notRegex(text, /hush/)
})

test('a change is delivered, signed with the secret of the webhook', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { endpoint, received } = await receiver(t)
  const webhook = await subscribe(desk, endpoint, ['comment_added'])
  const path = `/api/v2/webhooks/${String(webhook['id'])}/signing_secret`
  const { secret } = (await desk.get(path)).json['signing_secret'] as { secret: string }
  await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId: 5, isPublic: false })
  await desk.simulator.mutate('acme', { kind: 'set_status', ticketId: 5, status: 'open' })
  await desk.simulator.webhooksSettled('acme')
  const [delivery] = received

  t.is(received.length, 1)
  const at = delivery?.headers['x-zendesk-webhook-signature-timestamp'] ?? ''
  const expected = createHmac('sha256', secret).update(`${at}${delivery?.body}`).digest('base64')
  t.is(delivery?.headers['x-zendesk-webhook-signature'], expected)
  t.is(delivery?.headers['x-zendesk-webhook-id'], String(webhook['id']))
  t.is(delivery?.headers['user-agent'], 'Zendesk Webhook')
  t.is(delivery?.headers['content-type'], 'application/json; charset=utf-8')
  t.is(delivery?.headers['x-zendesk-account-id'], String(delivery?.json['account_id']))
  t.like(delivery?.json, {
    subject: 'zen:ticket:5',
    type: 'zen:event-type:ticket.comment_added',
    zendesk_event_version: '2022-11-06',
  })
  t.like(delivery?.json['detail'], { id: '5' })
  const { comment } = (delivery?.json['event'] ?? {}) as { comment: Json }
  t.is(comment['is_public'], false)
  t.regex(String(comment['body']), /priv_/)
})

test('a new signing secret makes the old one worthless', async (t) => {
  const desk = await deskWith(t)
  const webhook = await subscribe(desk, 'https://hooks.example.com/', ['created'])
  const path = `/api/v2/webhooks/${String(webhook['id'])}/signing_secret`
  const before = (await desk.get(path)).json
  const renewed = await desk.send('POST', path)

  t.is(renewed.status, 201)
  t.notDeepEqual(renewed.json, before)
  t.deepEqual((await desk.get(path)).json, renewed.json)
})

test('every mutation is told in the words of the event types', async (t) => {
  const desk = await deskWith(t, { tickets: 50, shape: { deletedShare: 0 } })
  const { endpoint, received } = await receiver(t)
  const types = [
    'created',
    'comment_added',
    'comment_made_private',
    'comment_redacted',
    'attachment_linked_to_comment',
    'attachment_redacted_from_comment',
    'status_changed',
    'merged',
    'soft_deleted',
    'permanently_deleted',
    'undeleted',
    'marked_as_spam',
    'requester_changed',
    'subject_changed',
    'tags_changed',
    'group_assignment_changed',
  ]
  await subscribe(desk, endpoint, types)
  const { mutate } = desk.simulator
  await mutate('acme', { kind: 'create' })
  await mutate('acme', { kind: 'add_comment', ticketId: 1, hasAttachment: true })
  await mutate('acme', { kind: 'redact_attachment', ticketId: 1, index: 0 })
  await mutate('acme', { kind: 'make_private', ticketId: 1, index: 0 })
  await mutate('acme', { kind: 'redact', ticketId: 1, index: 0 })
  await mutate('acme', { kind: 'set_tags', ticketId: 1, tags: ['A'] })
  await mutate('acme', { kind: 'set_subject', ticketId: 1, subject: 'other' })
  await mutate('acme', { kind: 'set_group', ticketId: 1, groupId: null })
  await mutate('acme', { kind: 'change_requester', ticketId: 1, userId: 36_100_000_001_005 })
  await mutate('acme', { kind: 'merge', ticketId: 2, into: 3 })
  await mutate('acme', { kind: 'mark_as_spam', ticketId: 4 })
  await mutate('acme', { kind: 'delete', ticketId: 5 })
  await mutate('acme', { kind: 'restore', ticketId: 5 })
  await mutate('acme', { kind: 'delete', ticketId: 5 })
  await mutate('acme', { kind: 'delete_permanently', ticketId: 5 })
  await desk.simulator.webhooksSettled('acme')
  const seen = received.map(({ json }) =>
    String(json['type']).replace('zen:event-type:ticket.', ''),
  )

  t.deepEqual([...new Set(seen)].toSorted(), types.toSorted())
  t.is(new Set(received.map(({ json }) => json['id'])).size, received.length)
})

const outcome = (status: number | null, retryAfter: string | null = null): AttemptOutcome => ({
  statusCode: status,
  retryAfter,
  isTimeout: status === null,
  headers: {},
})

const retried = test.macro((t, last: AttemptOutcome, attempts: number, wait: number | null) => {
  const earlier = Array.from({ length: attempts - 1 }, () => last)

  t.is(waitBeforeRetry(last, earlier), wait)
})

test('a conflict is tried again', retried, outcome(409), 3, 1000)
test('a conflict is given up after three retries', retried, outcome(409), 4, null)
test('a timeout is tried again', retried, outcome(null), 5, 1000)
test('a timeout is given up after five retries', retried, outcome(null), 6, null)
test('503 is tried again after a short wait', retried, outcome(503, '10'), 1, 10_000)
test('429 is tried again after a short wait', retried, outcome(429, '59'), 1, 59_000)
test('503 with a long wait is given up', retried, outcome(503, '60'), 1, null)
test('503 without a wait is given up', retried, outcome(503), 1, null)
test('503 with a date is given up', retried, outcome(503, 'Wed, 21 Oct 2026 07:28:00 GMT'), 1, null)
test('500 is given up', retried, outcome(500, '10'), 1, null)
test('502 is given up', retried, outcome(502), 1, null)
test('404 is given up', retried, outcome(404), 1, null)

const delivered = test.macro(
  async (t, statuses: readonly number[], attempts: number, status: string) => {
    const desk = await deskWith(t, {}, FAST)
    const { endpoint, received } = await receiver(t, statuses)
    await subscribe(desk, endpoint, ['created'])
    const [invocation] = await desk.simulator.sendWebhook('acme', { ticketId: 1 })

    t.is(received.length, attempts)
    t.like(invocation, { status, attempts })
  },
)

test('any 2xx is a success', delivered, [204], 1, 'success')
test(
  'a delivery that ends well after conflicts is a success',
  delivered,
  [409, 409, 200],
  3,
  'success',
)
test('a delivery that is lost has failed', delivered, [500, 200], 1, 'failed')
test('a receiver that forbids it terminates the delivery', delivered, [403, 200], 1, 'terminated')

test('a refused connection is lost', async (t) => {
  const desk = await deskWith(t)
  await subscribe(desk, 'http://127.0.0.1:1/', ['created'])
  const [lost] = await desk.simulator.sendWebhook('acme', { ticketId: 1 })

  t.like(lost, { status: 'failed', statusCode: null, attempts: 1 })
})

test('each attempt is signed afresh and the event keeps its id', async (t) => {
  const desk = await deskWith(t, {}, FAST)
  const { endpoint, received } = await receiver(t, [409, 200])
  const webhook = await subscribe(desk, endpoint, ['created'])
  await desk.simulator.sendWebhook('acme', { ticketId: 1 })
  const path = `/api/v2/webhooks/${String(webhook['id'])}/invocations`
  const [invocation] = rowsOf((await desk.get(path)).json, 'invocations')
  const { json } = await desk.get(`${path}/${String(invocation?.['id'])}/attempts`)

  t.is(received[0]?.body, received[1]?.body)
  t.like(invocation, { status: 'success', status_code: 200 })
  t.deepEqual(
    rowsOf(json, 'attempts').map((attempt) => attempt['status_code']),
    [409, 200],
  )
})

test('when most deliveries fail the circuit breaks and events are dropped', async (t) => {
  const desk = await deskWith(t)
  const { endpoint, received } = await receiver(t, [500])
  await subscribe(desk, endpoint, ['created'])
  for (let count = 0; count < 12; count++) {
    await desk.simulator.sendWebhook('acme', { ticketId: 1 })
  }
  const [broken] = await desk.simulator.sendWebhook('acme', { ticketId: 1 })
  await desk.simulator.advanceClock(301_000)
  const [closed] = await desk.simulator.sendWebhook('acme', { ticketId: 1 })

  t.is(broken?.status, 'circuit broken')
  t.is(closed?.status, 'failed')
  t.is(received.length, 11)
})

test('events can come twice, in reverse, late, or never', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } }, FAST)
  const { endpoint, received } = await receiver(t)
  await subscribe(desk, endpoint, ['comment_added'])
  const comment = async (ticketId: number): Promise<void> => {
    await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId })
  }
  await desk.simulator.setAccount('acme', { webhooks: { copies: 2 } })
  await comment(1)
  await desk.simulator.webhooksSettled('acme')
  const copies = received.splice(0)
  await desk.simulator.setAccount('acme', { webhooks: { copies: 1, throttled: true } })
  await comment(2)
  await desk.simulator.webhooksSettled('acme')
  const late = received.splice(0)
  await desk.simulator.setAccount('acme', { webhooks: { throttled: false, lossShare: 1 } })
  await comment(3)
  await desk.simulator.webhooksSettled('acme')

  t.is(copies.length, 2)
  t.is(copies[0]?.json['id'], copies[1]?.json['id'])
  t.not(
    copies[0]?.headers['x-zendesk-webhook-invocation-id'],
    copies[1]?.headers['x-zendesk-webhook-invocation-id'],
  )
  t.is(late.length, 1)
  t.deepEqual(received, [])
})

test('held back events leave in reverse when enough are there', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { endpoint } = await receiver(t)
  const webhook = await subscribe(desk, endpoint, ['comment_added'])
  await desk.simulator.setAccount('acme', { webhooks: { reverseBatch: 3 } })
  for (const ticketId of [1, 2, 3]) {
    await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId })
  }
  await desk.simulator.webhooksSettled('acme')
  const path = `/api/v2/webhooks/${String(webhook['id'])}/invocations`
  const sent: unknown[] = []
  for (const row of rowsOf((await desk.get(path)).json, 'invocations').toReversed()) {
    const { json } = await desk.get(`${path}/${String(row['id'])}/attempts`)
    const [attempt] = rowsOf(json, 'attempts')
    const { payload } = (attempt?.['request'] ?? {}) as { payload: string }
    sent.push((JSON.parse(payload) as { detail: Json }).detail['id'])
  }

  t.deepEqual(sent, ['3', '2', '1'])
})

test('a webhook can arrive before REST shows the change', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } }, { minuteMs: 60_000 })
  let seen: unknown
  const server = createServer((_, response) => {
    void (async () => {
      seen = ((await desk.get('/api/v2/tickets/1')).json['ticket'] as Json)['subject']
      response.end()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  await subscribe(desk, `http://127.0.0.1:${port}/`, ['subject_changed'])
  await desk.simulator.setAccount('acme', { webhooks: { early: true } })
  await desk.simulator.mutate('acme', { kind: 'set_subject', ticketId: 1, subject: 'after' })
  const now = ((await desk.get('/api/v2/tickets/1')).json['ticket'] as Json)['subject']

  t.not(seen, 'after')
  t.is(now, 'after')
})

test('deliveries can be made wrong on purpose', async (t) => {
  const desk = await deskWith(t)
  const { endpoint, received } = await receiver(t)
  await subscribe(desk, endpoint, ['created'])
  const stale = '2020-01-01T00:00:00Z'
  await desk.simulator.sendWebhook('acme', {
    ticketId: 1,
    type: 'ticket.teleported',
    envelope: { account_id: 1 },
    detail: { tags: null },
    secret: TEST_SECRET,
    timestamp: stale,
    paddingBytes: 1_100_000,
    copies: 2,
  })
  const [delivery] = received

  t.is(received.length, 2)
  t.is(delivery?.body, received[1]?.body)
  t.like(delivery?.json, { type: 'zen:event-type:ticket.teleported', account_id: 1 })
  t.like(delivery?.json['detail'], { tags: null })
  t.true((delivery?.body.length ?? 0) > 1_100_000)
  t.is(
    delivery?.headers['x-zendesk-webhook-signature'],
    signature(TEST_SECRET, stale, delivery?.body ?? ''),
  )
})

test('missing ids, tags and fractions of a second come in every spelling', async (t) => {
  const desk = await deskWith(t, { tickets: 200, shape: { deletedShare: 0 } })
  const { endpoint, received } = await receiver(t)
  await subscribe(desk, endpoint, ['status_changed'])
  for (let ticketId = 1; ticketId <= 150; ticketId++) {
    await desk.simulator.mutate('acme', { kind: 'set_status', ticketId, status: 'open' })
  }
  await desk.simulator.webhooksSettled('acme')
  const details = received.map(({ json }) => json['detail'] as Json)
  const organizations = new Set(details.map((detail) => detail['organization_id']))
  const fractions = received.map(({ json }) => String(json['time']).split('.')[1]?.length ?? 0)

  t.true([null, '', '0'].every((spelling) => organizations.has(spelling)))
  t.true(details.some((detail) => detail['tags'] === null))
  t.true(details.every((detail) => typeof detail['requester_id'] === 'string'))
  t.is(Math.max(...fractions), 10)
  t.is(Math.min(...fractions), 0)
  t.true(received.some(({ body }) => /"id": 393139\d{20},/.test(body)))
})

test('a test delivery of an unsaved webhook carries the public secret', async (t) => {
  const desk = await deskWith(t)
  const { endpoint, received } = await receiver(t)
  await desk.send('POST', '/api/v2/webhooks/test', { request: { endpoint, payload: '{"a":1}' } })
  const at = received[0]?.headers['x-zendesk-webhook-signature-timestamp'] ?? ''

  t.is(received[0]?.headers['x-zendesk-webhook-signature'], signature(TEST_SECRET, at, '{"a":1}'))
})
