import { mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'ava'
import { sql } from 'kysely'
import { loadConfig } from '../src/platform/config/config.ts'
import { setLogLevel } from '../src/platform/log.ts'
import { runRelay } from '../src/relay.ts'
import { testDatabase } from './support/database.ts'
import { aFeed, publish } from './support/outbox-rows.ts'
import { SECRET, aReceiver } from './support/receiver.ts'
import { aSink } from './support/sinks.ts'

setLogLevel('silent')

function configOf(databaseUrl: string, sinks: Record<string, string>) {
  const ENCRYPTION_KEYS = `k1:${Buffer.alloc(32).toString('base64')}`
  return loadConfig({ DATABASE_URL: databaseUrl, ENCRYPTION_KEYS, SINK_SECRET: SECRET, ...sinks })
}

test('what is published reaches every sink of the environment until the process stops', async (t) => {
  const { db, url: databaseUrl } = await testDatabase(t)
  const folder = await mkdtemp(path.join(tmpdir(), 'relay-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'out.ndjson')
  await writeFile(file, '')
  const arrived = Promise.withResolvers<void>()
  const { url, received } = await aReceiver(t, (_, response) => {
    response.writeHead(200).end()
    arrived.resolve()
  })
  const feed = await aFeed(db)
  const stop = new AbortController()
  const config = configOf(databaseUrl, { SINK_URL: url, SINK_FILE: file })
  const written = watch(file, { signal: stop.signal })[Symbol.asyncIterator]()

  const relay = runRelay({ db, config }, stop.signal)
  await publish(db, feed, { ticketId: 1 })
  await Promise.all([arrived.promise, written.next()])
  stop.abort()
  await relay

  const { id } = JSON.parse(await readFile(file, 'utf8'))
  t.deepEqual(
    received.map(({ webhookId }) => webhookId),
    [id],
  )
})

test('a failed pass is tried again', async (t) => {
  const { db, url: databaseUrl } = await testDatabase(t)
  const arrived = Promise.withResolvers<void>()
  const { url } = await aReceiver(t, (_, response) => {
    response.writeHead(200).end()
    arrived.resolve()
  })
  await publish(db, await aFeed(db), { ticketId: 1 })
  // A sequence keeps its step when the transaction is rolled back: the first insert fails, no other.
  await sql`create sequence inserts`.execute(db)
  await sql`
    create function fail_once() returns trigger language plpgsql as $$ begin
      if nextval('inserts') = 1 then raise 'no space left'; end if; return new; end $$`.execute(db)
  await sql`create trigger fail_once before insert on delivery
    for each row execute function fail_once()`.execute(db)
  const stop = new AbortController()

  const relay = runRelay({ db, config: configOf(databaseUrl, { SINK_URL: url }) }, stop.signal)
  await arrived.promise
  stop.abort()
  await relay

  const { rows } = await sql<{ lastValue: number }>`select last_value from inserts`.execute(db)
  t.is(rows[0]?.lastValue, 2)
})

test('without a sink the loop looks for one until the process stops', async (t) => {
  const { db, url } = await testDatabase(t)
  const stop = new AbortController()

  const relay = runRelay({ db, config: configOf(url, {}) }, stop.signal)
  stop.abort()

  await t.notThrowsAsync(relay)
})

test('receivers that hang delay nobody else, and each workspace gets its own', async (t) => {
  const { db, url: databaseUrl } = await testDatabase(t)
  const hanging = await aReceiver(t, () => {})
  const count = 6
  const arrived = Promise.withResolvers<void>()
  const { url, received } = await aReceiver(t, (_, response) => {
    response.writeHead(200).end()
    if (received.length === count) arrived.resolve()
  })
  const stop = new AbortController()
  const config = configOf(databaseUrl, { SINK_URL: hanging.url })
  const keys = config.secrets.encryptionKeys
  for (let index = 0; index < 2 * count; index++) {
    const feed = await aFeed(db, `w${index}`)
    const isSlow = index % 2 === 0
    await aSink(db, feed.workspaceId, { url: isSlow ? hanging.url : url, keys })
    const tickets = isSlow ? 100 : 1
    await publish(db, feed, ...Array.from({ length: tickets }, (_, at) => ({ ticketId: at + 1 })))
  }

  const relay = runRelay({ db, config }, stop.signal)
  await arrived.promise
  stop.abort()
  await relay

  t.is(received.length, count)
  t.true(hanging.received.length > 0)
})
