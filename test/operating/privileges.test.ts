import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Client, escapeIdentifier } from 'pg'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import { connectAccount } from '../../src/demo/api.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { queues } from '../../src/queues.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startWeb } from '../../src/web.ts'
import { asking } from '../support/asking.ts'
import { databaseUrl } from '../support/database-url.ts'
import { testEnvironment } from '../support/environment.ts'
import { aReceiver, answer } from '../support/receiver.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { until, untilRunsEnd } from '../support/truth.ts'

const root = path.join(import.meta.dirname, '..', '..')
const rolesSql = readFileSync(path.join(root, 'docs/operating/roles.sql'), 'utf8')
const grantsSql = readFileSync(path.join(root, 'docs/operating/grants.sql'), 'utf8')

test('web and worker do all of their work as a role that can do little else', async (t) => {
  const { owner, runtime } = await makeRoles(t)
  await migrateToLatest(owner, queues)
  // As after each release: the second time it changes nothing.
  await run(owner, named(owner, grantsSql))
  await run(owner, named(owner, grantsSql))

  await liveALife(t, runtime)

  for (const forbidden of [
    'drop table hint',
    'alter table hint add column text text',
    'create table mine (id int)',
    'create index on hint (type)',
    'truncate hint',
    'delete from workspace',
    'delete from transcript',
    'update kysely_migration set name = name',
    'drop trigger run_tally on run',
    'create schema mine',
    'drop schema pgboss cascade',
    'update pgboss.version set version = 1',
    'create temporary table mine (id int)',
  ]) {
    const error = await t.throwsAsync(run(runtime, forbidden), undefined, forbidden)
    t.true(
      ['42501', '42P16'].includes(Reflect.get(error ?? {}, 'code')),
      `${forbidden}: ${error?.message}`,
    )
  }
})

test('rows may be deleted from just those tables that some statement deletes from', (t) => {
  const source = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.startsWith('src/simulator'))
    .map((file) => readFileSync(path.join(root, file), 'utf8'))
    .join('\n')
  const named = [...source.matchAll(/\b(?:deleteFrom\('|delete from )(\w+)/g)].map(
    ([, name = '']) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
  // These two statements of clear-store.ts take the names of their tables from lists.
  const listed = [
    'staged_event',
    'author',
    'ticket',
    'event_stream',
    'back_lane',
    'cursor',
    'consent',
  ]

  const granted = /grant delete on\s([^;]*?)\sto hearflow_runtime/.exec(grantsSql)?.[1] ?? ''

  t.deepEqual(
    granted.split(',').map((name) => name.trim()),
    [...new Set([...named, ...listed])].toSorted(),
  )
})

/** The roles and the database of the document, under names of the test's own, gone after it. */
async function makeRoles(t: ExecutionContext): Promise<{ owner: string; runtime: string }> {
  const server = process.env['TEST_DATABASE_URL'] ?? ''
  const name = `${process.env['TEST_TEMPLATE']}_${randomBytes(6).toString('hex')}`
  const database = databaseUrl(server, name)
  t.teardown(async () => {
    await run(server, `drop database if exists ${name} with (force)`)
    await run(server, `drop role if exists ${name}_owner`)
    await run(server, `drop role if exists ${name}_runtime`)
  })
  const [before = '', after = ''] = named(database, rolesSql).split(/^\\connect .*$/m)
  // One by one, for a database is made outside of any transaction.
  for (const statement of before.split(';')) await run(server, statement)
  await run(database, after)
  const as = async (role: string): Promise<string> => {
    const password = randomBytes(16).toString('hex')
    await run(server, `alter role ${escapeIdentifier(role)} password '${password}'`)
    const url = new URL(database)
    url.username = role
    url.password = password
    return url.href
  }
  return { owner: await as(`${name}_owner`), runtime: await as(`${name}_runtime`) }
}

/** A document's statements, with the names of this test's database in place of the real ones. */
function named(url: string, statements: string): string {
  return statements.replaceAll(/\bhearflow(?=[_; ])/g, new URL(url).pathname.slice(1))
}

async function run(url: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}

/** Connects an account, imports, pushes, takes hints back, steers, and disconnects with a purge. */
async function liveALife(t: ExecutionContext, url: string): Promise<void> {
  setLogLevel('silent')
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { subdomain: 'acme', tickets: 30, settings: { rates: { account: null, incremental: null } } },
    ],
  })
  const { url: receiver, received } = await aReceiver(t, answer(200))
  const environment = await testEnvironment(url, simulator, {
    SINK_ALLOW_PRIVATE_ADDRESSES: 'true',
    MANUAL_SYNC_COOLDOWN_SECONDS: '0',
    LOG_LEVEL: 'warn',
  })
  const config = loadConfig(environment)
  const db = connect(url)
  t.teardown(() => db.destroy())
  const web = await startWeb(config)
  t.teardown(() => web[Symbol.asyncDispose]())
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  const ask = asking(api)
  await ask('PUT', '/admin/workspaces/w1', { plan: 'pro' })
  t.is((await ask('PUT', '/admin/workspaces/w1/sinks/one', { url: receiver })).status, 201)
  const id = await connectAccount(api, { workspaceId: 'w1', subdomain: 'acme' })
  const worker = spawnEntry(t, 'src/worker.ts', environment)
  await untilRunsEnd(db)
  const published = (await wholeFeed(api)).length
  t.true(published > 10)
  await until(() => Promise.resolve(received.length >= published))

  const path = `/admin/integrations/${id}`
  t.is((await ask('POST', `${path}/backfill`, { days: 30 })).status, 202)
  await untilRunsEnd(db)
  t.is((await ask('GET', '/admin/status')).json.workers.alive, 1)
  t.is((await ask('DELETE', `${path}?purge=true`)).status, 202)
  await until(async () => (await ask('GET', path)).json.erasure?.finished_at !== null)
  const gone = await fetch(`${api.baseUrl}/admin/workspaces/w1/sinks/one`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${api.adminToken}` },
  })
  t.is(gone.status, 204)
  await until(async () => (await db.selectFrom('sink').selectAll().execute()).length === 0)
  // What a worker may not do it would try again without an end.
  t.notRegex(worker.output(), /permission denied|must be owner/)
}
