import { randomUUID } from 'node:crypto'
import test from 'ava'
import { loadConfig } from '../../src/platform/config/config.ts'
import { testDatabase } from '../support/database.ts'
import { testEnvironment } from '../support/environment.ts'
import { startPostgresProxy } from '../support/postgres-proxy.ts'
import { RawConnection, rawRequest } from '../support/raw-http.ts'
import { spawnEntry, untilSaid } from '../support/service.ts'
import { eventBody, signedHeaders } from '../support/signed.ts'
import { until as untilWithin } from '../support/truth.ts'
import { aHintedIntegration } from '../support/webhook-rows.ts'

// A web process that is told to stop. That it ends with 0 says that it did so within its grace.

const ZENDESK = { urlTemplate: 'https://{subdomain}.zendesk.com' }

/** Processes start beside whatever else the machine is at. */
const until = (condition: () => Promise<boolean>): Promise<void> => untilWithin(condition, 300)

test('whatever clients hold open, a web that stops answers, sends them away and ends', async (t) => {
  const { url, db } = await testDatabase(t)
  const environment = await testEnvironment(url, ZENDESK, { LOG_LEVEL: 'info' })
  const integrationId = await aHintedIntegration(db, loadConfig(environment))
  const [workspace] = await db.selectFrom('workspace').select('id').execute()
  const path = `/webhooks/zendesk/${integrationId}`
  const web = spawnEntry(t, 'src/web.ts', environment)
  await untilSaid(web, 'listening')
  const port = Number(environment['PORT'])
  const address = `http://127.0.0.1:${port}`
  const authorization = `Bearer ${environment['ADMIN_TOKEN']}`
  const deliver = async (id: string) => {
    const body = eventBody({ id })
    const headers = signedHeaders(body)
    return await fetch(`${address}${path}`, { method: 'POST', body, headers })
  }
  const idle = new RawConnection(port)
  t.is(await idle.send(rawRequest('/healthz', {}, Buffer.alloc(0), 'GET')), 200)
  const body = Buffer.from(eventBody({ id: randomUUID() }))
  const headers = { ...signedHeaders(body), 'content-length': String(body.length) }
  const half = new RawConnection(port)
  const halfSent = half.send(rawRequest(path, headers, body.subarray(0, 100)))
  const feed = `${address}/v1/workspaces/${workspace?.id}/transcripts?wait=30`
  const waiting = fetch(feed, { headers: { authorization } })
  t.is((await deliver(randomUUID())).status, 200)

  web.child.kill('SIGTERM')
  web.child.kill('SIGTERM')
  web.child.kill('SIGINT')

  // A router that looks sees that it leaves, and one that does not yet loses nothing.
  await until(async () => (await fetch(`${address}/readyz`)).status === 503)
  const late = randomUUID()
  const [answer, health] = await Promise.all([deliver(late), fetch(`${address}/healthz`)])
  t.deepEqual([answer.status, answer.headers.get('connection')], [200, 'close'])
  t.is(health.status, 200)
  t.is((await waiting).status, 200)
  t.is(await halfSent, 503)
  t.regex(half.text, /^retry-after: 10\r$/im)
  t.is(await web.exited, 0, web.output())
  idle.close()
  const hints = await db.selectFrom('hint').select('eventId').execute()
  t.true(hints.some(({ eventId }) => eventId === late))
  t.is(hints.length, 2)
  t.notRegex(web.output(), /"status":50[0-2]|"level":"(error|fatal)"/)
})

test('a web whose database has gone silent stops all the same', async (t) => {
  const { url, db } = await testDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  const environment = await testEnvironment(proxy.url, ZENDESK, { LOG_LEVEL: 'info' })
  const integrationId = await aHintedIntegration(db, loadConfig(environment))
  const web = spawnEntry(t, 'src/web.ts', environment)
  await untilSaid(web, 'listening')
  const address = `http://127.0.0.1:${environment['PORT']}`
  const authorization = `Bearer ${environment['ADMIN_TOKEN']}`

  proxy.hush()
  const body = eventBody({ id: randomUUID() })
  const asked = [
    fetch(`${address}/webhooks/zendesk/${integrationId}`, {
      method: 'POST',
      body,
      headers: signedHeaders(body),
    }),
    fetch(`${address}/admin/integrations`, { headers: { authorization } }),
  ]
  web.child.kill('SIGTERM')

  const answers = await Promise.all(asked)
  t.deepEqual(
    answers.map(({ status }) => status),
    [503, 503],
  )
  t.is(await web.exited, 0, web.output())
})

test('a process that is told to stop before it is ready stops', async (t) => {
  const { url } = await testDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  proxy.hush()
  const environment = await testEnvironment(proxy.url, ZENDESK, { LOG_LEVEL: 'info' })
  const web = spawnEntry(t, 'src/web.ts', environment)
  await until(async () => proxy.connections() > 0)

  web.child.kill('SIGTERM')

  t.is(await web.exited, 0, web.output())
  t.notRegex(web.output(), /listening/)
})
