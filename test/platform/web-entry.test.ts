import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { saveCredential } from '../../src/credential/store.ts'
import { type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { testDatabase } from '../support/database.ts'
import { createDatabase, freePort, testEnvironment } from '../support/environment.ts'
import { aFeed } from '../support/outbox-rows.ts'
import { type ServiceProcess, spawnEntry } from '../support/service.ts'

const ZENDESK = { urlTemplate: 'https://{subdomain}.zendesk.com' }

async function spawnWeb(
  t: ExecutionContext,
  databaseUrl: string,
  overrides: Environment = {},
): Promise<ServiceProcess & { readonly token: string }> {
  const settings = { LOG_LEVEL: 'info', PORT: '0', ...overrides }
  const environment = await testEnvironment(databaseUrl, ZENDESK, settings)
  return { ...spawnEntry(t, 'src/web.ts', environment), token: environment['ADMIN_TOKEN'] ?? '' }
}

/** It ended by itself with a message for people: no stack, no JSON. */
async function endsWith(
  t: ExecutionContext,
  service: ServiceProcess,
  message: RegExp,
): Promise<void> {
  t.is(await service.exited, 1)
  t.regex(service.output(), message)
  t.notRegex(service.output(), /^\s+at /m)
  t.notRegex(service.output(), /"level":"fatal"/)
}

/** Where it listens, by its own word. */
async function addressOf({ child, output, exited }: ServiceProcess): Promise<string> {
  for (;;) {
    const port = /"port":(\d+),"msg":"listening"/.exec(output())?.[1]
    if (port !== undefined) return `http://127.0.0.1:${port}`
    if (child.exitCode !== null) throw new Error(`it ended: ${output()}`)
    await Promise.race([exited, once(child.stdout ?? child, 'data')])
  }
}

test('every mistake in the environment is told at once, by name and without the value', async (t) => {
  const service = await spawnWeb(t, 'mysql://user:hunter2@db/x', {
    NODE_ENV: 'production',
    PORT: 'eighty',
    ADMIN_TOKEN: 'a secret',
    ENCRYPTION_KEYS: 'k1:c2VjcmV0',
    ZENDESK_URL_TEMPLATE: 'http://{subdomain}.zendesk.com',
    ZENDESK_QUOTA_SHARE: '7',
    ZENDESK_CLIENT_ID: '',
    SYNC_TIME_UTC: '25:00',
    BACKFILL_DAYS: '0',
    LOG_LEVEL: 'loud',
  })

  await endsWith(t, service, /the configuration is not usable/)
  const names = service
    .output()
    .split('\n')
    .map((line) => /^ {2}([A-Z_]+): /.exec(line)?.[1])
    .filter((name) => name !== undefined)
  t.deepEqual(names, [
    'DATABASE_URL',
    'PORT',
    'ADMIN_TOKEN',
    'ENCRYPTION_KEYS',
    'ZENDESK_URL_TEMPLATE',
    'ZENDESK_QUOTA_SHARE',
    'SYNC_TIME_UTC',
    'BACKFILL_DAYS',
    'LOG_LEVEL',
    'ZENDESK_CLIENT_ID',
  ])
  t.notRegex(service.output(), /hunter2|a secret|c2VjcmV0|eighty|loud/)
})

test('in production nothing secret is made up', async (t) => {
  const service = await spawnWeb(t, 'postgres://127.0.0.1/x', {
    NODE_ENV: 'production',
    ADMIN_TOKEN: '',
    ENCRYPTION_KEYS: '',
  })

  await endsWith(t, service, /ADMIN_TOKEN: missing.*ENCRYPTION_KEYS: missing/s)
})

test('a database that is not there is told with what to check', async (t) => {
  const service = await spawnWeb(t, `postgres://u:hunter2@127.0.0.1:${await freePort()}/x`)

  await endsWith(t, service, /database cannot be reached: check DATABASE_URL/)
  t.notRegex(service.output(), /hunter2/)
})

test('a database that is not migrated is told with what to run', async (t) => {
  const { url, db } = await testDatabase(t)
  const empty = await createDatabase(url, `${new URL(url).pathname.slice(1)}_empty`)
  const service = await spawnWeb(t, empty)

  await endsWith(t, service, /lacks \d+ migrations?: run "npm run release"/)
  t.deepEqual(await db.selectFrom('workspace').selectAll().execute(), [])
})

test('a key that does not open what is stored is told, by id', async (t) => {
  const { url, db } = await testDatabase(t)
  const { integrationId } = await aFeed(db)
  const sealing = loadConfig(await testEnvironment(url, ZENDESK)).secrets.encryptionKeys
  await db.transaction().execute((trx) =>
    saveCredential(trx, sealing, integrationId, {
      accessToken: 'a-token',
      refreshToken: null,
      clientId: 'hearflow',
      scope: 'read',
      expiresAt: DateTime.utc().plus({ hours: 1 }),
      refreshExpiresAt: null,
    }),
  )

  await endsWith(t, await spawnWeb(t, url), /key "test" of ENCRYPTION_KEYS does not open/)
  const other = { ENCRYPTION_KEYS: `other:${randomBytes(32).toString('base64')}` }
  await endsWith(t, await spawnWeb(t, url, other), /key "test", which ENCRYPTION_KEYS lacks/)
})

test('a port that is taken is told', async (t) => {
  const { url } = await testDatabase(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  const service = await spawnWeb(t, url, { PORT: String(port) })

  await endsWith(t, service, new RegExp(`PORT: ${port} is in use`))
})

test('it says that it listens, answers, logs no address, and stops when told to', async (t) => {
  const { url } = await testDatabase(t)
  const service = await spawnWeb(t, url)
  const address = await addressOf(service)

  const live = await fetch(`${address}/healthz`)
  const ready = await fetch(`${address}/readyz`)
  const callback = await fetch(`${address}/oauth/zendesk/callback?code=hunter2&state=hunter3`)
  service.child.kill('SIGTERM')

  t.deepEqual([live.status, ready.status, callback.status], [200, 200, 400])
  t.is(await service.exited, 0)
  t.notRegex(service.output(), /hunter/)
  const lines = service.output().trim().split('\n')
  const requests = lines.filter((line) => line.includes('"msg":"request"'))
  t.deepEqual(
    requests.map((line) => {
      const { method, route, status } = JSON.parse(line) as Record<string, unknown>
      return [method, route, status]
    }),
    [
      ['GET', '/healthz', 200],
      ['GET', '/readyz', 200],
      ['GET', '/oauth/zendesk/callback', 400],
    ],
  )
})

test('who waits for news when it stops gets an answer', async (t) => {
  const { url, db } = await testDatabase(t)
  await aFeed(db)
  const service = await spawnWeb(t, url)
  const authorization = `Bearer ${service.token}`
  const feed = `${await addressOf(service)}/v1/workspaces/w1/transcripts`
  const whole = await fetch(feed, { headers: { authorization } })
  t.is(whole.status, 200)

  const { rows } = await sql<{ now: string }>`select now()::text as now`.execute(db)
  const since = rows[0]?.now ?? ''
  const waiting = fetch(`${feed}?wait=30`, { headers: { authorization } })
  await untilRead(db, since)
  service.child.kill('SIGTERM')

  const answer = await waiting
  t.is(answer.status, 200)
  t.like(await answer.json(), { data: [], has_more: false })
  t.is(await service.exited, 0)
})

/** Resolves when another connection has looked at the feed since then. */
async function untilRead(db: Kysely<Database>, since: string): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select from pg_stat_activity
      where datname = current_database() and query like '%last_sequence%'
        and pid <> pg_backend_pid() and query_start > ${since}::timestamptz`.execute(db)
    if (rows.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
