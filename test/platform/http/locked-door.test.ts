import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import test from 'ava'
import Router from '@koa/router'
import { createApp } from '../../../src/platform/http/app.ts'
import { FailedLogins, clientOf } from '../../../src/platform/http/failed-logins.ts'
import { listen } from '../../../src/platform/http/server.ts'
import { log, setLogLevel } from '../../../src/platform/log.ts'
import { startTestWeb } from '../../support/web.ts'

test('every answer says that nothing of it is kept, framed or told to others', async (t) => {
  const { ask } = await startTestWeb(t, { PUBLIC_URL: 'https://hearflow.example' })

  for (const path of ['/healthz', '/nowhere', '/admin/workspaces', '/admin/status', '/metrics']) {
    for (const token of [null, undefined]) {
      const { headers } = await ask('GET', path, token === null ? { token } : {})
      t.is(headers.get('cache-control'), 'no-store', path)
      t.is(headers.get('x-content-type-options'), 'nosniff', path)
      t.is(headers.get('referrer-policy'), 'no-referrer', path)
      t.regex(headers.get('content-security-policy') ?? '', /default-src 'none'/, path)
      t.regex(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/, path)
      t.is(headers.get('strict-transport-security'), 'max-age=31536000', path)
    }
  }
})

test('the page of a consent keeps a policy of its own, and is framed by nobody', async (t) => {
  const { ask } = await startTestWeb(t)

  const { headers } = await ask('GET', '/oauth/zendesk/callback', { token: null })

  t.regex(headers.get('content-type') ?? '', /^text\/html/)
  t.regex(
    headers.get('content-security-policy') ?? '',
    /style-src 'sha256-.*frame-ancestors 'none'/,
  )
  t.is(headers.get('referrer-policy'), 'no-referrer')
  t.is(headers.get('strict-transport-security'), null)
})

test('a request has a name: its own if it brings a sane one', async (t) => {
  const { ask } = await startTestWeb(t)
  const nameOf = async (given?: string) => {
    const headers = given === undefined ? {} : { 'x-request-id': given }
    return (await ask('GET', '/nowhere', { headers })).headers.get('x-request-id') ?? ''
  }

  t.is(await nameOf('router-1:a/b'), 'router-1:a/b')
  for (const insane of ['x'.repeat(129), '{"a":1}', 'a b'])
    t.regex(await nameOf(insane), /^[0-9a-f-]{36}$/)
  t.not(await nameOf(), await nameOf())
})

test('what a request fails with is not told, and no stack leaves the service', async (t) => {
  setLogLevel('silent')
  const router = new Router().get('/fails', () => {
    throw new Error('CANARY at /home/somebody/file.ts')
  })
  const web = await listen(createApp([router]), { host: '127.0.0.1', port: 0 })
  t.teardown(() => web[Symbol.asyncDispose]())

  const answer = await fetch(`http://127.0.0.1:${web.port}/fails`)
  const text = await answer.text()

  t.is(answer.status, 500)
  t.is(answer.headers.get('x-content-type-options'), 'nosniff')
  t.truthy(answer.headers.get('x-request-id'))
  t.deepEqual(JSON.parse(text), {
    error: { code: 'internal', message: 'something went wrong on our side; it is logged' },
  })
  t.is(log.level, 'silent')
})

test('too many wrong tokens are told to wait, and a right one opens all the same', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN: 'a-token-for-readers-only' })
  const guess = (client: string) =>
    ask('GET', '/admin/workspaces', { token: 'wrong', headers: { 'x-forwarded-for': client } })

  const answers = []
  for (let index = 0; index < 61; index += 1) answers.push(await guess('203.0.113.7'))

  t.deepEqual([...new Set(answers.slice(0, 60).map(({ status }) => status))], [401])
  const refused = answers.at(-1)
  t.is(refused?.status, 429)
  t.is(refused?.at('error.code'), 'too_many_failures')
  const seconds = Number(refused?.headers.get('retry-after'))
  t.true(seconds >= 1 && seconds <= 60)

  const headers = { 'x-forwarded-for': '203.0.113.7' }
  t.is((await ask('GET', '/admin/workspaces', { headers })).status, 200)
  t.is((await ask('GET', '/admin/workspaces', { token: null, headers })).status, 401)
  const reader = { token: 'a-token-for-readers-only', headers }
  t.is((await ask('GET', '/admin/workspaces', reader)).status, 401)
  t.is((await guess('203.0.113.8')).status, 401)
})

test('a minute later the count of an address begins anew', (t) => {
  const failures = new FailedLogins()
  for (let index = 0; index < 60; index += 1) t.is(failures.note('a', index), undefined)

  t.is(failures.note('a', 59_000), 1)
  t.is(failures.note('a', 30_000), 30)
  t.is(failures.note('a', 60_001), undefined)
})

test('addresses without end take no memory without end', (t) => {
  const failures = new FailedLogins()

  for (let index = 0; index < 25_000; index += 1) failures.note(`client ${index}`, 0)

  t.is(failures.size, 10_000)
})

const comesFrom = test.macro({
  title: (_, peer: string, forwarded: string | undefined, client: string) =>
    `a connection from ${peer}${forwarded === undefined ? '' : ` for ${forwarded}`} is of ${client}`,
  exec: (t, peer: string, forwarded: string | undefined, client: string) => {
    const socket = new Socket()
    Object.defineProperty(socket, 'remoteAddress', { value: peer })
    const request = new IncomingMessage(socket)
    if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded

    t.is(clientOf(request), client)
  },
})

test(comesFrom, '10.1.2.3', undefined, '10.1.2.3')
test(comesFrom, '10.1.2.3', '6.6.6.6, 8.8.4.4', '8.8.4.4')
test(comesFrom, '::ffff:10.1.2.3', '8.8.4.4', '8.8.4.4')
test(comesFrom, '8.8.8.8', '6.6.6.6', '8.8.8.8')
test(comesFrom, '::ffff:8.8.8.8', '6.6.6.6', '8.8.8.8')
test(comesFrom, '2a00:1450:4001:82b::200e', undefined, '2a00:1450:4001:82b')
test(comesFrom, '2a00:1450::1', undefined, '2a00:1450:0:0')
test(comesFrom, 'fd00::1', '2a00:1450::2', '2a00:1450:0:0')
