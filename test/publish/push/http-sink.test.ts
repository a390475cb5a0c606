import { createHmac } from 'node:crypto'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { IntegrationId, TicketId, WorkspaceId } from '../../../src/ids.ts'
import { toPublication } from '../../../src/outbox/publication.ts'
import { HttpSink, type Sending } from '../../../src/publish/push/http-sink.ts'
import type { Answer } from '../../../src/publish/push/verdict.ts'
import { aTranscript, aTurn } from '../../support/outbox-rows.ts'
import { SECRET, aReceiver, answer } from '../../support/receiver.ts'

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

type Options = Partial<ConstructorParameters<typeof HttpSink>[0]>

function aSink(t: ExecutionContext, url: string, options: Options = {}) {
  const sink = new HttpSink({ allowPrivateAddresses: true, ...options })
  t.teardown(() => sink[Symbol.asyncDispose]())
  const receiver = { url, secrets: [SECRET] }
  const send = (sent: Sending['publication'], signal: AbortSignal): Promise<Answer> =>
    sink.send(receiver, { publication: sent, replayed: false }, signal)
  return { sink, send }
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

test('a receiver that does not end its answer has answered, and keeps no connection', async (t) => {
  const closed = Promise.withResolvers<void>()
  const { url } = await aReceiver(t, (_, response) => {
    response.socket?.once('close', () => closed.resolve())
    response.writeHead(200, { 'content-length': '1000' }).write('short')
  })

  const result = await aSink(t, url).send(publication, never)
  await closed.promise

  t.like(result, { kind: 'answered', status: 200 })
})

test('requests to a receiver that never agrees on TLS wait side by side, and a stop ends them', async (t) => {
  const stop = new AbortController()
  const [sockets, all] = [new Set<Socket>(), Promise.withResolvers<void>()]
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (sockets.size === 8) all.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  const sink = aSink(t, `https://127.0.0.1:${port}/`, { timeoutMs: 60_000 })

  const sending = Array.from({ length: 8 }, () => sink.send(publication, stop.signal))
  const ended = Promise.allSettled(sending)
  await all.promise
  stop.abort(new Error('stopping'))

  t.deepEqual([...new Set((await ended).map(({ status }) => status))], ['rejected'])
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
    const sink = aSink(t, url.replace('127.0.0.1', host), { allowPrivateAddresses: false })

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

type Lookup = NonNullable<Options['lookup']>

const resolvesTo =
  (...addresses: readonly string[]): Lookup =>
  (_, __, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const refusesName = test.macro<[string, readonly string[]]>({
  title: (_, what) => `in production nothing is sent to a name that leads to ${what}`,
  async exec(t, _, addresses) {
    const { url, received } = await aReceiver(t, answer(200))
    const lookup = resolvesTo(...addresses)
    const sink = aSink(t, url.replace('127.0.0.1', 'receiver.example'), {
      allowPrivateAddresses: false,
      lookup,
    })

    const result = await sink.send(publication, never)

    t.regex(result.kind === 'unanswered' ? result.reason : '', /not at a public address/)
    t.deepEqual(received, [])
  },
})
test(refusesName, 'loopback', ['127.0.0.1'])
test(refusesName, 'loopback of IPv6', ['::1'])
test(refusesName, 'a private network', ['10.0.0.8'])
test(refusesName, 'a carrier network', ['100.64.1.1'])
test(refusesName, 'the metadata of a cloud', ['169.254.169.254'])
test(refusesName, 'a unique local address', ['fd00:ec2::254'])
test(refusesName, 'a link-local address', ['fe80::1'])
test(refusesName, 'IPv4 written as IPv6', ['::ffff:127.0.0.1'])
test(refusesName, 'NAT64 of a private network', ['64:ff9b::a00:1'])
test(refusesName, 'a public and a private address', ['93.184.216.34', '127.0.0.1'])
test(refusesName, 'nowhere', [])

test('a name that is public when it is judged and private when it is used gains nothing', async (t) => {
  const { url, received } = await aReceiver(t, answer(200))
  let lookups = 0
  const lookup: Lookup = (hostname, options, callback) => {
    lookups += 1
    // TEST-NET would be refused; this one is public, and nobody answers there within the time.
    const address = lookups === 1 ? '192.0.1.1' : '127.0.0.1'
    resolvesTo(address)(hostname, options, callback)
  }
  const sink = aSink(t, url.replace('127.0.0.1', 'receiver.example'), {
    allowPrivateAddresses: false,
    timeoutMs: 300,
    lookup,
  })

  const first = await sink.send(publication, never)
  const second = await sink.send(publication, never)

  t.is(first.kind, 'unanswered')
  t.regex(second.kind === 'unanswered' ? second.reason : '', /not at a public address/)
  t.is(lookups, 2)
  t.deepEqual(received, [])
})

test('a receiver that takes its time is given up, with how long that was', async (t) => {
  const { url } = await aReceiver(t, () => {})

  const result = await aSink(t, url, { timeoutMs: 500 }).send(publication, never)

  t.deepEqual(result, { kind: 'unanswered', reason: 'no answer within 0.5 s' })
})
