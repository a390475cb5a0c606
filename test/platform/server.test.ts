import test from 'ava'
import Koa from 'koa'
import { ConfigError } from '../../src/platform/errors.ts'
import { listen } from '../../src/platform/http/server.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

test('a request under way is answered before the server has stopped', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const app = new Koa()
  app.use(async (ctx) => {
    arrived.resolve()
    await answered.promise
    ctx.body = 'done'
  })
  const server = await listen(app, LOOPBACK)
  const url = `http://127.0.0.1:${server.port}`
  const asked = fetch(url)
  await arrived.promise

  const stopped = server[Symbol.asyncDispose]()
  await t.throwsAsync(fetch(url), { instanceOf: TypeError })
  answered.resolve()

  t.is(await (await asked).text(), 'done')
  await stopped
})

test('who is answered while the server leaves is asked to come by another connection', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const app = new Koa()
  app.use(async (ctx) => {
    if (ctx.path === '/slow') {
      arrived.resolve()
      await answered.promise
    }
    ctx.body = 'done'
  })
  const leaving = new AbortController()
  await using server = await listen(app, LOOPBACK, leaving.signal)
  const url = `http://127.0.0.1:${server.port}`
  const before = await fetch(url)
  const underWay = fetch(`${url}/slow`)
  await arrived.promise

  leaving.abort()
  const after = await fetch(url)
  answered.resolve()

  const answers = [before, after, await underWay]
  t.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('connection')]),
    [
      [200, 'keep-alive'],
      [200, 'close'],
      [200, 'close'],
    ],
  )
})

test('connections that are kept open do not keep the server from stopping', async (t) => {
  const app = new Koa()
  app.use((ctx) => {
    ctx.body = 'done'
  })
  const server = await listen(app, LOOPBACK)
  const answer = await fetch(`http://127.0.0.1:${server.port}`)
  t.is(await answer.text(), 'done')
  t.is(answer.headers.get('keep-alive'), 'timeout=95', 'longer than a router before us')

  await server[Symbol.asyncDispose]()

  await t.throwsAsync(fetch(`http://127.0.0.1:${server.port}`), { instanceOf: TypeError })
})

test('an address that is none of this machine is a mistake in the environment', async (t) => {
  const error = await t.throwsAsync(listen(new Koa(), { host: '192.0.2.1', port: 0 }), {
    instanceOf: ConfigError,
  })

  t.regex(error.message, /HOST: 192\.0\.2\.1/)
})
