import test from 'ava'
import { sql } from 'kysely'
import { connect } from '../../db/connect.ts'
import { testDatabase } from '../support/database.ts'
import { startPostgresProxy } from '../support/postgres-proxy.ts'

test('the server forgets a session whose machine is gone within half a minute', async (t) => {
  const { db } = await testDatabase(t)

  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name like 'tcp%' order by name`.execute(db)

  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, Number(setting)]))
  const { tcp_keepalives_idle: idle, tcp_keepalives_interval: interval } = settings
  t.is((idle ?? 0) + (interval ?? 0) * (settings['tcp_keepalives_count'] ?? 0), 25)
  t.is(settings['tcp_user_timeout'], 25_000)
})

test('a process that stops waits for no database that has gone silent', async (t) => {
  const { url } = await testDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  const stop = new AbortController()
  const db = connect(proxy.url, { stop: stop.signal })
  await sql`select 1`.execute(db)
  proxy.hush()
  const asked = sql`select 2`.execute(db)

  stop.abort()

  await t.throwsAsync(asked, { message: /Connection terminated/ })
  await t.throwsAsync(sql`select 3`.execute(db), { message: /does not answer/ })
  await db.destroy()
})

test('what is answered while a process stops is not cut off', async (t) => {
  const { url } = await testDatabase(t)
  const stop = new AbortController()
  const db = connect(url, { stop: stop.signal })
  const asked = sql<{ one: number }>`select 1 as one, pg_sleep(0.7)`.execute(db)

  stop.abort()

  t.is((await asked).rows[0]?.one, 1)
  t.is((await sql<{ two: number }>`select 2 as two`.execute(db)).rows[0]?.two, 2)
  await db.destroy()
})
