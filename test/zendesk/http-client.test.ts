import { type RequestListener, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { ZendeskUnavailableError } from '../../src/platform/errors.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { HttpClient } from '../../src/zendesk/http/client.ts'
import { accountAddress, isLoopbackName } from '../../src/zendesk/http/address.ts'
import { Subdomain } from '../../src/ids.ts'

setLogLevel('silent')

const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024))

/** A server of our own: what happens in the middle of a body cannot be intercepted. */
async function aServer(t: ExecutionContext, listener: RequestListener, address = '127.0.0.1') {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const client = new HttpClient()
  t.teardown(async () => {
    server.closeAllConnections()
    await client[Symbol.asyncDispose]()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    client,
    request: { base: `http://127.0.0.1:${port}`, path: '/x', timeoutMs: 5_000, logFields: {} },
    port,
  }
}

test('a request carries the token, who we are and what we take', async (t) => {
  const { client, request } = await aServer(t, (incoming, response) => {
    response.end(JSON.stringify(incoming.headers))
  })

  const answer = await client.send({ ...request, token: 'access' })

  t.like(JSON.parse(answer.body), {
    authorization: 'Bearer access',
    accept: 'application/json',
    'accept-encoding': 'gzip',
  })
  t.regex(
    (JSON.parse(answer.body) as Record<string, string>)['user-agent'] ?? '',
    /^hearflow-zendesk\/\d+\.\d+\.\d+$/,
  )
})

test('without a token none is sent', async (t) => {
  const { client, request } = await aServer(t, (incoming, response) => {
    response.end(JSON.stringify(incoming.headers))
  })

  const answer = await client.send({ ...request, method: 'POST', json: { a: 1 } })

  t.false(answer.body.includes('authorization'))
  t.true(answer.body.includes('"content-type":"application/json"'))
})

test('names below localhost are this machine', async (t) => {
  const { client, request, port } = await aServer(t, (incoming, response) => {
    response.end(incoming.headers.host)
  })

  const answer = await client.send({ ...request, base: `http://acme.localhost:${port}` })

  t.is(answer.body, `acme.localhost:${port}`)
})

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((at) => at?.address === '::1')
const testWithIpv6 = hasIpv6 ? test : test.skip

testWithIpv6('a server that listens on the other loopback address is found, too', async (t) => {
  const { client, request, port } = await aServer(t, (_, response) => response.end('six'), '::1')

  for (const host of ['localhost', 'acme.localhost', '[::1]']) {
    t.is((await client.send({ ...request, base: `http://${host}:${port}` })).body, 'six')
  }
})

test('a compressed answer is opened', async (t) => {
  const { client, request } = await aServer(t, (_, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(gzipSync('{"tickets":[]}'))
  })

  t.is((await client.send(request)).body, '{"tickets":[]}')
})

test('an answer without a body is empty, whatever encoding it names', async (t) => {
  const { client, request } = await aServer(t, (_, response) => {
    response.writeHead(204, { 'content-encoding': 'gzip' }).end()
  })

  t.like(await client.send(request), { status: 204, body: '' })
})

test('a redirect is an answer and is not followed', async (t) => {
  const paths: (string | undefined)[] = []
  const { client, request } = await aServer(t, (incoming, response) => {
    paths.push(incoming.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  })

  t.is((await client.send(request)).status, 302)
  t.deepEqual(paths, ['/x'])
})

for (const status of [301, 302, 303, 307, 308]) {
  test(`a ${status} to another host brings it neither a request nor the token`, async (t) => {
    const contacts: string[] = []
    const elsewhere = await aServer(t, (incoming, response) => {
      contacts.push(`${incoming.method} ${incoming.headers.authorization}`)
      response.end('{}')
    })
    elsewhere.server.on('connection', () => contacts.push('connection'))
    const { client, request } = await aServer(t, (_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${elsewhere.port}/x` }).end()
    })

    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const json = method === 'POST' ? { json: { refresh_token: 'x' } } : {}
      const answer = await client.send({ ...request, method, token: 'access', ...json })
      t.is(answer.status, status)
    }
    t.deepEqual(contacts, [])
  })
}

test('each request that went out is counted once, by the status of its answer', async (t) => {
  const ends: number[] = []
  const onEnd = (status: number): void => {
    ends.push(status)
  }
  const stop = new AbortController()
  const { client, request } = await aServer(t, (incoming, response) => {
    if (incoming.url === '/cut') response.write('{', () => response.destroy())
    else if (incoming.url === '/stop') stop.abort(new Error('stopped'))
    else response.writeHead(Number(incoming.url?.slice(1))).end()
  })

  for (const path of ['/200', '/404', '/503']) await client.send({ ...request, path, onEnd })
  await t.throwsAsync(client.send({ ...request, path: '/cut', onEnd }))
  const { signal } = stop
  await t.throwsAsync(client.send({ ...request, path: '/stop', onEnd, signal }))
  t.deepEqual(ends, [200, 404, 503, 0, 0])
  await t.throwsAsync(client.send({ ...request, path: '/200', onEnd, signal }))
  t.is(ends.length, 5)
})

const fails = test.macro({
  title: (title) => `${title} is no answer`,
  exec: async (t, listener: RequestListener, code: string, timeoutMs?: number) => {
    const { client, request } = await aServer(t, listener)

    const error = await t.throwsAsync(client.send({ ...request, timeoutMs: timeoutMs ?? 20_000 }), {
      instanceOf: ZendeskUnavailableError,
    })

    t.true(error.message.includes(code), error.message)
  },
})

test(
  'a body that is cut off',
  fails,
  (_, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{"tickets":[', () => response.destroy())
  },
  'UND_ERR',
)
test(
  'a chunked body that is cut off',
  fails,
  (_, response) => {
    response.write('{"tickets":[', () => response.destroy())
  },
  'UND_ERR',
)
test(
  'a connection that is closed at once',
  fails,
  (incoming) => {
    incoming.socket.destroy()
  },
  'UND_ERR',
)
test('a server that never answers', fails, () => {}, 'ETIMEDOUT', 100)
test(
  'a body that never ends',
  fails,
  (_, response) => {
    response.write('{"tickets":[')
  },
  'ETIMEDOUT',
  100,
)
test(
  'a body larger than anything we asked for',
  fails,
  (_, response) => {
    response.end(Buffer.alloc(65 * 1024 * 1024))
  },
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
)
test(
  'a small body that unfolds into a large one',
  fails,
  (_, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(bomb)
  },
  'ERR_BUFFER_TOO_LARGE',
)
test(
  'a body that is not what its encoding says',
  fails,
  (_, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end('plain')
  },
  'Z_DATA_ERROR',
)

test('nobody at the address is no answer', async (t) => {
  const client = new HttpClient()
  t.teardown(() => client[Symbol.asyncDispose]())

  const sent = client.send({
    base: 'http://127.0.0.1:1',
    path: '/',
    timeoutMs: 5_000,
    logFields: {},
  })

  await t.throwsAsync(sent, { instanceOf: ZendeskUnavailableError, message: /ECONNREFUSED/ })
})

test('who is stopped gets the reason, before the request and in the middle of it', async (t) => {
  const stop = new AbortController()
  const { client, request } = await aServer(t, () => stop.abort(new Error('stopped')))
  const { signal } = stop

  await t.throwsAsync(client.send({ ...request, signal }), { message: 'stopped' })
  await t.throwsAsync(client.send({ ...request, signal }), { message: 'stopped' })
})

test('an account lives at the address of the template', (t) => {
  const acme = Subdomain.parse('acme')

  t.is(accountAddress('https://{subdomain}.zendesk.com', acme), 'https://acme.zendesk.com')
  t.is(accountAddress('http://127.0.0.1:4000/{subdomain}', acme), 'http://127.0.0.1:4000/acme')
})

test('only localhost and what is below it is this machine by name', (t) => {
  t.deepEqual(
    [
      'localhost',
      'acme.localhost',
      'localhost.example.com',
      'notlocalhost',
      'acme.zendesk.com',
    ].filter(isLoopbackName),
    ['localhost', 'acme.localhost'],
  )
})
