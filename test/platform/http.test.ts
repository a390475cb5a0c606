import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { type TestWeb, startTestWeb } from '../support/web.ts'

const READ_TOKEN = 'a-token-for-readers-only'

test('an unknown address is told so, in the form of all errors', async (t) => {
  const { ask } = await startTestWeb(t)

  for (const path of ['/', '/admin', '/status', '/metric', '/admin/workspaces/w/x', '//']) {
    const answer = await ask('GET', path)
    t.is(answer.status, 404, path)
    t.deepEqual(answer.json, {
      error: {
        code: 'not_found',
        message: 'there is nothing at this address: /admin/openapi.json lists what there is',
      },
    })
  }
})

test('a wrong method is told which ones there are', async (t) => {
  const { ask } = await startTestWeb(t)

  const answer = await ask('DELETE', '/admin/workspaces/w1')

  t.is(answer.status, 405)
  t.is(answer.at('error.code'), 'method_not_allowed')
  t.regex(String(answer.at('error.message')), /does not take that method, but HEAD, GET, PUT$/)
  t.deepEqual(answer.headers.get('allow')?.split(', ').toSorted(), ['GET', 'HEAD', 'PUT'])
})

test('a method that no address knows is a wrong method', async (t) => {
  const { ask } = await startTestWeb(t)

  t.is((await ask('PROPFIND', '/admin/workspaces/w1')).status, 405)
  t.is((await ask('PROPFIND', '/nowhere')).status, 404)
})

test('every answer forbids caching and guessing of types, and names no software', async (t) => {
  const { ask } = await startTestWeb(t)

  for (const path of ['/healthz', '/nowhere', '/admin/workspaces']) {
    const { headers } = await ask('GET', path)
    t.is(headers.get('cache-control'), 'no-store', path)
    t.is(headers.get('x-content-type-options'), 'nosniff', path)
    t.is(headers.get('x-powered-by'), null, path)
    t.is(headers.get('server'), null, path)
  }
})

test('a body that is no JSON is malformed', async (t) => {
  const { ask } = await startTestWeb(t)
  const headers = { 'content-type': 'application/json' }

  for (const body of ['{', '{"plan":', '"plan"', '7', 'null', 'secret-text', '{"__proto__":{}}']) {
    const answer = await ask('PUT', '/admin/workspaces/w1', { body, headers })
    t.is(answer.status, 400, body)
    t.is(answer.at('error.code'), 'malformed', body)
    t.false(answer.text.includes('secret-text'))
  }
})

test('a body of another content type is refused', async (t) => {
  const { ask } = await startTestWeb(t)

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
    const headers = { 'content-type': type }
    const answer = await ask('PUT', '/admin/workspaces/w1', { body: '{}', headers })
    t.is(answer.status, 415, type)
    t.is(answer.at('error.code'), 'unsupported_media_type', type)
  }
})

test('a body without any content type is refused', async (t) => {
  const { ask } = await startTestWeb(t)

  const answer = await ask('PUT', '/admin/workspaces/w1', { body: new TextEncoder().encode('{}') })

  t.is(answer.status, 415)
})

test('a body that is encoded is refused, whether or not it is what it says', async (t) => {
  const { ask } = await startTestWeb(t)
  const put = async (encoding: string, body: string | Uint8Array) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
    return (await ask('PUT', '/admin/workspaces/w1', { body, headers })).status
  }

  for (const encoding of ['rot13', 'gzip', 'deflate', 'br']) t.is(await put(encoding, '{}'), 415)
  t.is(await put('gzip', gzipSync('{}')), 415)
  t.is(await put('identity', '{}'), 201)
})

test('answers are laid out for a terminal, and a page of the feed is one line', async (t) => {
  const { ask } = await startTestWeb(t)
  await ask('PUT', '/admin/workspaces/w1')

  const lines = async (path: string) => (await ask('GET', path)).text.split('\n')

  t.deepEqual(await lines('/healthz'), ['{', '  "status": "ok"', '}', ''])
  t.true((await lines('/admin/openapi.json')).length > 1_000)
  t.is((await lines('/nowhere')).at(-1), '')
  for (const path of ['', '/current']) {
    const [page, ...rest] = await lines(`/v1/workspaces/w1/transcripts${path}`)
    t.like(JSON.parse(page ?? ''), { data: [] })
    t.deepEqual(rest, [''])
  }
})

test('a body over 1 MiB is too large, announced or not', async (t) => {
  const web = await startTestWeb(t)
  const big = JSON.stringify({ zendesk_include_tags: ['x'.repeat(1024 * 1024)] })
  const headers = { 'content-type': 'application/json' }

  const announced = await web.ask('PUT', '/admin/workspaces/w1', { body: big, headers })

  t.is(announced.status, 413)
  t.is(announced.at('error.code'), 'too_large')
  t.is(await putChunked(web, big), 413)
})

test('who has no token or a wrong one learns only how to bring one', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN })

  const none = await ask('GET', '/admin/workspaces', { token: null })
  t.is(none.status, 401)
  t.is(none.headers.get('www-authenticate'), 'Bearer realm="hearflow-zendesk"')
  t.is(none.at('error.code'), 'unauthorized')

  const wrong = await ask('GET', '/admin/workspaces', { token: 'x'.repeat(32) })
  t.is(wrong.status, 401)
  t.regex(wrong.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
})

test('only the bearer scheme counts, in any case, and only in the header', async (t) => {
  const { ask, config } = await startTestWeb(t)
  const token = config.secrets.adminToken ?? ''
  const path = '/admin/workspaces'
  const bring = async (authorization: string) =>
    (await ask('GET', path, { token: null, headers: { authorization } })).status

  t.is(await bring(`bearer ${token}`), 200)
  t.is(await bring(`BEARER ${token}`), 200)
  t.is(await bring(token), 401)
  t.is(await bring(`Basic ${btoa(`admin:${token}`)}`), 401)
  t.is(await bring(`Bearer ${token}x`), 401)
  t.is(await bring('Bearer '), 401)
  t.is((await ask('GET', `${path}?token=${token}`, { token: null })).status, 401)
})

const ID = '0199d0c0-0000-7000-8000-000000000000'
/** What each address answers to nobody, a stranger, a reader and the administrator. */
const matrix: readonly (readonly [method: string, path: string, ...statuses: number[]])[] = [
  ['GET', '/healthz', 200, 200, 200, 200],
  ['GET', '/readyz', 200, 200, 200, 200],
  ['GET', '/oauth/zendesk/callback', 400, 400, 400, 400],
  ['GET', '/admin/status', 401, 401, 200, 200],
  ['GET', '/metrics', 401, 401, 200, 200],
  ['GET', '/admin/workspaces', 401, 401, 401, 200],
  ['GET', '/admin/workspaces/none', 401, 401, 401, 404],
  ['PUT', '/admin/workspaces/w1', 401, 401, 401, 201],
  ['POST', '/admin/workspaces/w1/zendesk', 401, 401, 401, 422],
  ['GET', '/admin/integrations', 401, 401, 200, 200],
  ['GET', `/admin/integrations/${ID}`, 401, 401, 404, 404],
  ['GET', `/admin/integrations/${ID}/runs`, 401, 401, 404, 404],
  ['GET', `/admin/integrations/${ID}/runs/${ID}`, 401, 401, 404, 404],
  ['POST', `/admin/integrations/${ID}/reconnect`, 401, 401, 401, 404],
  ['GET', '/v1/workspaces/w1/transcripts', 401, 401, 200, 200],
  ['GET', '/v1/workspaces/w1/transcripts/current', 401, 401, 200, 200],
]

test('the read token opens what only reads, the admin token opens all', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN })
  await ask('PUT', '/admin/workspaces/w1')
  await ask('PUT', '/admin/workspaces/w1')

  for (const [method, path, ...expected] of matrix) {
    const statuses: number[] = []
    for (const token of [null, 'x'.repeat(24), READ_TOKEN, undefined]) {
      const bearer = token === undefined ? {} : { token }
      statuses.push((await ask(method, path, bearer)).status)
    }
    const isPut = method === 'PUT'
    t.deepEqual(statuses, isPut ? expected.with(-1, 200) : expected, `${method} ${path}`)
  }
})

test('without a read token there is nothing that its absence could open', async (t) => {
  const { ask } = await startTestWeb(t)

  for (const authorization of ['Bearer undefined', 'Bearer null', 'Bearer ""']) {
    const headers = { authorization }
    t.is((await ask('GET', '/admin/integrations', { token: null, headers })).status, 401)
  }
})

test('a token is asked for before the body is looked at', async (t) => {
  const { ask } = await startTestWeb(t)
  const headers = { 'content-type': 'application/json' }

  t.is((await ask('PUT', '/admin/workspaces/w1', { token: null, body: '{', headers })).status, 401)
})

/** Sends a body without announcing its length. */
function putChunked({ url, config }: TestWeb, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/admin/workspaces/w1`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${config.secrets.adminToken}`,
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      },
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      void text(response).then(() => resolve(response.statusCode))
    })
    sent.end(body)
  })
}
