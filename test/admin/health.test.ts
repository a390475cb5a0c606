import test from 'ava'
import { sql } from 'kysely'
import { connect } from '../../db/connect.ts'
import { healthRoutes } from '../../src/admin/health-routes.ts'
import { createApp } from '../../src/platform/http/app.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { listen } from '../../src/platform/http/server.ts'
import { freePort } from '../support/environment.ts'
import { readAnswer, startTestWeb } from '../support/web.ts'

test('it is ready while the database is migrated', async (t) => {
  const { ask, db } = await startTestWeb(t)
  t.is((await ask('GET', '/readyz', { token: null })).status, 200)

  await sql`delete from kysely_migration`.execute(db)

  const unmigrated = await ask('GET', '/readyz', { token: null })
  t.is(unmigrated.status, 503)
  t.is(unmigrated.at('error.code'), 'unavailable')
  t.truthy(unmigrated.headers.get('retry-after'))
  t.is((await ask('GET', '/healthz', { token: null })).status, 200)
})

test('it is alive but not ready while the database is away', async (t) => {
  setLogLevel('silent')
  const db = connect(`postgres://nobody@127.0.0.1:${await freePort()}/x`)
  t.teardown(() => db.destroy())
  const { signal: leaving } = new AbortController()
  const web = await listen(createApp([healthRoutes({ db, leaving })]), {
    host: '127.0.0.1',
    port: 0,
  })
  t.teardown(() => web[Symbol.asyncDispose]())

  const alive = await fetch(`http://127.0.0.1:${web.port}/healthz`)
  const ready = await readAnswer(await fetch(`http://127.0.0.1:${web.port}/readyz`))

  t.is(alive.status, 200)
  t.is(ready.status, 503)
  t.is(ready.at('error.code'), 'unavailable')
  t.is(ready.headers.get('retry-after'), '10')
})
