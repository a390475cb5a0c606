import { createHmac } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { IntegrationId, TicketId, WorkspaceId } from '../../src/ids.ts'
import { toPublication } from '../../src/outbox/publication.ts'
import { HttpSink, isPublicAddress } from '../../src/publish/http-sink.ts'
import { aTranscript, aTurn } from '../support/outbox-rows.ts'
import { SECRET, aReceiver, answer } from '../support/receiver.ts'

const publication = toPublication({
  id: 'pub_0123456789abcdef0123456789abcdef',
  type: 'transcript.published',
  sequence: 1,
  publishedAt: '2026-01-01T00:00:00Z',
  workspaceId: WorkspaceId.parse('w1'),
  integrationId: IntegrationId.parse('11111111-1111-4111-8111-111111111111'),
  subdomain: 'acme',
  ticketId: TicketId.parse(42),
  revision: 1,
  contentHash: 'sha256:00',
  transcript: aTranscript([aTurn({ text: 'Schöne Grüße – 你好 🙂' })]),
})

const never = new AbortController().signal

function aSink(t: ExecutionContext, url: string, allowPrivateAddresses = true): HttpSink {
  const sink = new HttpSink({ url, secret: SECRET, allowPrivateAddresses, connections: 4 })
  t.teardown(() => sink[Symbol.asyncDispose]())
  return sink
}

test('a publication is one POST of its JSON, signed as Standard Webhooks', async (t) => {
  const { url, received } = await aReceiver(t, answer(200))

  const result = await aSink(t, url).send(publication, never)

  t.deepEqual(result, { kind: 'answered', status: 200, retryAfter: undefined })
  const [post] = received
  if (post === undefined || received.length !== 1) return t.fail()
  t.is(post.method, 'POST')
  t.is(post.path, '/in?from=zendesk')
  t.is(post.headers['content-type'], 'application/json')
  t.deepEqual(JSON.parse(post.body), publication)
  t.is(post.webhookId, publication.id)
  t.deepEqual(new Webhook(SECRET).verify(post.body, post.headers), publication)
  const timestamp = post.headers['webhook-timestamp'] ?? ''
  t.regex(timestamp, /^\d{10}$/)
  const key = Buffer.from(SECRET.replace('whsec_', ''), 'base64')
  const signed = `${publication.id}.${timestamp}.${post.body}`
  const signature = createHmac('sha256', key).update(signed).digest('base64')
  t.is(post.headers['webhook-signature'], `v1,${signature}`)
})

test('the signature does not verify over another body, id or secret', async (t) => {
  const { url, received } = await aReceiver(t, answer(200))
  await aSink(t, url).send(publication, never)

  const { body, headers } = received[0] ?? { body: '', headers: {} }
  const refused = { instanceOf: WebhookVerificationError }
  const webhook = new Webhook(SECRET)
  t.throws(() => webhook.verify(body.replace('42', '43'), headers), refused)
  t.throws(() => webhook.verify(body, { ...headers, 'webhook-id': 'pub_other' }), refused)
  t.throws(() => new Webhook('whsec_AAAAAAAAAAAAAAAAAAAAAAAA').verify(body, headers), refused)
})

test('the status and Retry-After are the answer, whatever the body', async (t) => {
  const { url } = await aReceiver(t, (_, response) => {
    response.writeHead(429, { 'retry-after': '7' }).end('x'.repeat(100_000))
  })

  const result = await aSink(t, url).send(publication, never)

  t.deepEqual(result, { kind: 'answered', status: 429, retryAfter: '7' })
})

test('a redirect is not followed', async (t) => {
  const elsewhere = await aReceiver(t, answer(200))
  const { url } = await aReceiver(t, answer(307, { location: elsewhere.url }))

  const result = await aSink(t, url).send(publication, never)

  t.like(result, { kind: 'answered', status: 307 })
  t.deepEqual(elsewhere.received, [])
})

test('a receiver that says 200 and lies about its length has said 200', async (t) => {
  const { url } = await aReceiver(t, (_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('short')
    setImmediate(() => response.destroy())
  })
  const sink = aSink(t, url)

  const results = [await sink.send(publication, never), await sink.send(publication, never)]

  for (const result of results) t.like(result, { kind: 'answered', status: 200 })
})

test('a receiver that resets the connection has not answered', async (t) => {
  const { url } = await aReceiver(t, (_, response) => response.socket?.resetAndDestroy())

  const result = await aSink(t, url).send(publication, never)

  t.is(result.kind, 'unanswered')
  t.regex(result.kind === 'unanswered' ? result.reason : '', /^no answer \(.*(ECONNRESET|SOCKET)/)
})

test('a receiver that speaks no HTTP has not answered', async (t) => {
  const { url } = await aReceiver(t, (_, response) => response.socket?.end('hello\r\n\r\n'))

  const result = await aSink(t, url).send(publication, never)

  t.is(result.kind, 'unanswered')
})

test('nobody at the address: the reason says so without the address', async (t) => {
  const sink = aSink(t, 'http://user:password@127.0.0.1:1/secret-path')

  const result = await sink.send(publication, never)

  t.deepEqual(result, { kind: 'unanswered', reason: 'no answer (ECONNREFUSED)' })
})

test('a stop ends a send that waits for its answer', async (t) => {
  const stop = new AbortController()
  const { url } = await aReceiver(t, () => stop.abort(new Error('stopping')))

  const sending = aSink(t, url).send(publication, stop.signal)

  await t.throwsAsync(sending, { message: 'stopping' })
})

const refusesPrivate = test.macro<[string]>({
  title: (_, host) => `in production nothing is sent to ${host}`,
  async exec(t, host) {
    const { url, received } = await aReceiver(t, answer(200))
    const sink = aSink(t, url.replace('127.0.0.1', host), false)

    const result = await sink.send(publication, never)

    t.is(result.kind, 'unanswered')
    t.regex(result.kind === 'unanswered' ? result.reason : '', /not at a public address/)
    t.deepEqual(received, [])
  },
})
test(refusesPrivate, '127.0.0.1')
test(refusesPrivate, '2130706433')
test(refusesPrivate, '0x7f.1')
test(refusesPrivate, 'localhost')
test(refusesPrivate, '0.0.0.0')
test(refusesPrivate, '[::1]')
test(refusesPrivate, '[::ffff:127.0.0.1]')
test(refusesPrivate, '169.254.169.254')

const judges = test.macro<[boolean, readonly string[]]>({
  title: (_, isPublic) => `addresses that are ${isPublic ? '' : 'not '}public are told`,
  exec(t, isPublic, addresses) {
    for (const address of addresses) t.is(isPublicAddress(address), isPublic, address)
  },
})
test(judges, true, [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '192.167.1.1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
])
test(judges, false, [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'not an address',
])
