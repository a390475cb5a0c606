import test, { type ExecutionContext } from 'ava'
import { startSimulator } from '../../../src/simulator/start.ts'
import { asking } from '../../support/asking.ts'
import { startFrontDoor, startWorker } from '../../support/front-door.ts'
import { importHalf } from '../../support/half-import.ts'
import { until } from '../../support/truth.ts'

async function connected(t: ExecutionContext, overrides: Record<string, string> = {}) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 3, days: 10 }],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const door = await startFrontDoor(t, simulator, overrides)
  const id = await door.connect('acme')
  return { ...door, simulator, id, path: `/admin/integrations/${id}`, ask: asking(door.api) }
}

test('a disconnect ends the runs, revokes the token and destroys it, and can be asked for twice', async (t) => {
  const { ask, path, db, simulator, id } = await connected(t)
  await simulator.clearRequests()

  const { status, json } = await ask('DELETE', path)

  t.is(status, 202)
  t.like(json, { id, status: 'disconnected', token: null, erasure: null })
  t.like(json.disconnection, { purge: false, release: 'done', action: null })
  t.deepEqual(await db.selectFrom('credential').selectAll().execute(), [])
  const [run] = await db.selectFrom('run').selectAll().execute()
  t.like(run, { state: 'failed', errorCode: 'disconnected' })
  const sent = await simulator.requests({})
  t.is(sent.filter(({ method }) => method === 'DELETE').length, 1)

  const again = await ask('DELETE', path)
  t.like(again.json, { status: 'disconnected', status_since: json.status_since })
  t.is((await simulator.requests({})).length, sent.length)
  for (const action of ['sync', 'backfill', 'pause', 'resume']) {
    const refused = await ask('POST', `${path}/${action}`)
    t.is(`${refused.status} ${refused.json.error.code}`, '409 not_active')
  }
  t.is((await ask('POST', `${path}/reconnect`)).status, 409)
})

test('a disconnect takes our webhook away as well', async (t) => {
  const scope = 'read webhooks:write'
  const it = await connected(t, { ZENDESK_SCOPE: scope })
  const worker = startWorker(t, it.config)
  await until(async () => (await it.ask('GET', it.path)).json.webhook.state === 'provisioned')
  await worker.stop()

  await it.ask('DELETE', it.path)

  const deleted = (await it.simulator.requests({})).filter(({ method }) => method === 'DELETE')
  t.true(
    deleted.some(({ path }) => path.includes('/webhooks/')),
    JSON.stringify(deleted),
  )
  t.deepEqual(await it.db.selectFrom('webhook').selectAll().execute(), [])
})

test('a Zendesk that cannot be reached keeps nobody connected, and is asked again', async (t) => {
  const it = await connected(t)
  const { ask, path, db, simulator, config } = it
  await simulator.setFault({ kind: 'status', status: 503, family: 'any', times: null })

  const { status, json } = await ask('DELETE', path)

  t.is(status, 202)
  t.like(json, { status: 'disconnected', token: null })
  t.like(json.disconnection, { release: 'pending', release_attempts: 1 })
  await simulator.clearFaults()
  const past = new Date(Date.now() - 600_000)
  await db.updateTable('disconnection').set({ requestedAt: past, dueAt: past }).execute()
  startWorker(t, config)
  await until(async () => (await ask('GET', path)).json.disconnection.finished_at !== null)
  t.like((await ask('GET', path)).json.disconnection, { release: 'done', release_attempts: 2 })
  t.deepEqual(await db.selectFrom('credential').selectAll().execute(), [])
})

test('what Zendesk could not be told in an hour is forgotten here and left to a person', async (t) => {
  const { ask, path, db, simulator, config } = await connected(t)
  await simulator.setFault({ kind: 'status', status: 503, family: 'any', times: null })
  await ask('DELETE', path)
  const past = new Date(Date.now() - 7_200_000)
  await db
    .updateTable('disconnection')
    .set({ requestedAt: past, dueAt: past, releaseAttempts: 6 })
    .execute()

  startWorker(t, config)
  await until(async () => (await ask('GET', path)).json.disconnection.finished_at !== null)

  const { disconnection } = (await ask('GET', path)).json
  t.like(disconnection, { release: 'given_up', release_attempts: 7 })
  t.regex(disconnection.action, /administrator of the account should remove it/)
  t.deepEqual(await db.selectFrom('credential').selectAll().execute(), [])
})

test('an import under way asks Zendesk for nothing after the answer to a disconnect', async (t) => {
  await using it = await importHalf(t)
  const ask = asking(it.api)

  const startedAt = performance.now()
  const { json } = await ask('DELETE', `/admin/integrations/${it.id}?purge=true`)
  t.log(`answered after ${Math.round(performance.now() - startedAt)} ms`)
  const asked = (await it.simulator.requests({})).length

  t.is(json.status, 'disconnected')
  await until(async () => {
    const shown = await ask('GET', `/admin/integrations/${it.id}`)
    return shown.json.erasure.finished_at !== null
  })
  t.is((await it.simulator.requests({})).length, asked)
  t.deepEqual(await it.db.selectFrom('transcriptRevision').selectAll().execute(), [])
})

test('what was never connected is disconnected at once', async (t) => {
  const { ask, api, db } = await connected(t)
  const begun = await ask('POST', '/admin/workspaces/w1/zendesk', { subdomain: 'other' })

  const { status, json } = await ask('DELETE', `/admin/integrations/${begun.json.integration_id}`)

  t.is(status, 202)
  t.like(json, { status: 'disconnected', disconnection: { release: 'done' } })
  const page = await fetch(begun.json.authorize_url)
  t.is(Math.floor(page.status / 100), 4, api.baseUrl)
  t.is((await db.selectFrom('credential').selectAll().execute()).length, 1)
})
