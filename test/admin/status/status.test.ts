import test from 'ava'
import { type Kysely, sql } from 'kysely'
import { connect } from '../../../db/connect.ts'
import type { Database } from '../../../db/schema.ts'
import { statusRoutes } from '../../../src/admin/status/routes.ts'
import { loadConfig } from '../../../src/platform/config/config.ts'
import { createApp } from '../../../src/platform/http/app.ts'
import { listen } from '../../../src/platform/http/server.ts'
import { setLogLevel } from '../../../src/platform/log.ts'
import { openBoss, wakeRuns } from '../../../src/platform/boss.ts'
import { IntegrationId } from '../../../src/ids.ts'
import { freePort, testEnvironment } from '../../support/environment.ts'
import { readAnswer, startTestWeb } from '../../support/web.ts'

const READ_TOKEN = 'a-token-for-readers-only'
const SINK = {
  SINK_URL: 'http://127.0.0.1:9/receiver',
  SINK_SECRET: `whsec_${Buffer.alloc(24).toString('base64')}`,
}

test('an empty service says that nobody works, and what to do', async (t) => {
  const { ask } = await startTestWeb(t)

  const { status, json, at } = await ask('GET', '/admin/status')

  t.is(status, 200)
  t.is(at('ok'), false)
  t.like(json, {
    problems: [{ code: 'no_worker', count: 1, integration_ids: [] }],
    version: '0.1.0',
    database: { reachable: true, migrated: true },
    slot_clock: { time_utc: '04:00' },
    workers: { alive: 0 },
    integrations: { pending: 0, active: 0, paused: 0, errored: 0, disconnected: 0 },
    runs: { queued: 0, running: 0, waiting: 0, is_more: false, failed_last_day: 0 },
    hints: { pending: 0, is_more: false, oldest_at: null, oldest_age_seconds: null },
    outbox: { pending: 0, is_more: false, oldest_at: null, oldest_age_seconds: null },
    retries: { runs: 0, deliveries: 0, tickets: 0 },
    dead_publications: { count: 0, is_more: false },
    replays: { count: 0, is_more: false },
    quarantined: { count: 0, is_more: false },
    sinks: { active: 0, failing: 0, stopped: 0, off: 0 },
    webhooks: { problems: {} },
  })
  const none = { ready: 0, active: 0, failed: 0, is_more: false, oldest_age_seconds: null }
  t.deepEqual(at('queues'), { hints: none, run: none, schedule: none })
  t.true(Number(at('database.size_bytes')) > 0)
  const [last, next] = [String(at('slot_clock.last_slot')), String(at('slot_clock.next_slot'))]
  t.true(Date.parse(last) <= Date.parse(String(at('now'))))
  t.true(Date.parse(next) > Date.parse(String(at('now'))))
})

test('a worker that maintains the queue is alive until it stops', async (t) => {
  const { ask, databaseUrl } = await startTestWeb(t)
  const boss = await openBoss(databaseUrl, { maintain: true })

  t.is((await ask('GET', '/admin/status')).at('workers.alive'), 1)
  await boss.stop({ graceful: false })

  t.is((await ask('GET', '/admin/status')).at('workers.alive'), 0)
})

test('what is unfinished is counted, and what went wrong carries an action', async (t) => {
  const { ask, db, databaseUrl } = await startTestWeb(t, SINK)
  const boss = await openBoss(databaseUrl, { maintain: true })
  t.teardown(() => boss.stop({ graceful: false }))
  const [active = '', errored = ''] = await fillTroubles(db)
  await wakeRuns(boss, db, [{ integrationId: IntegrationId.parse(active), turn: 1, hinted: false }])

  const { json, at } = await ask('GET', '/admin/status')

  t.like(json, {
    integrations: { pending: 0, active: 1, paused: 0, errored: 1, disconnected: 0 },
    runs: { queued: 0, running: 0, waiting: 1, failed_last_day: 1 },
    hints: { pending: 2 },
    outbox: { pending: 9 },
    retries: { runs: 1, deliveries: 1, tickets: 1 },
    dead_publications: { count: 1 },
    quarantined: { count: 1 },
    sinks: { active: 1, failing: 0, stopped: 1, off: 0 },
    webhooks: { problems: { forbidden: 1 } },
  })
  t.is(at('queues.run.ready'), 1)
  t.true(Number(at('hints.oldest_age_seconds')) >= 7_200)
  t.true(Number(at('outbox.oldest_age_seconds')) >= 7_200)
  const problems = at('problems') as { code: string; action: string; integration_ids: string[] }[]
  t.deepEqual(problems.map(({ code }) => code).toSorted(), [
    'deliveries_dead',
    'hints_late',
    'integration_role_insufficient',
    'outbox_late',
    'runs_failed',
    'sinks_stopped',
    'tickets_quarantined',
    'webhook_forbidden',
  ])
  t.true(problems.every(({ action }) => action.length > 20))
  const concerned = (code: string) => problems.find((it) => it.code === code)?.integration_ids
  t.deepEqual(concerned('integration_role_insufficient'), [errored])
  t.deepEqual(concerned('hints_late'), [active])
  t.deepEqual(concerned('runs_failed'), [active])
})

test('the status names no text, token or address', async (t) => {
  const { ask, db, config } = await startTestWeb(t, { ...SINK, READ_TOKEN })
  await fillTroubles(db)

  const { text } = await ask('GET', '/admin/status', { token: READ_TOKEN })

  const { adminToken = '', sinkSecret = '' } = config.secrets
  const secrets = [READ_TOKEN, adminToken, sinkSecret, '127.0.0.1', 'postgres', 'CANARY']
  t.deepEqual(
    secrets.filter((secret) => text.includes(secret)),
    [],
  )
})

test('who reads may see the status, and nobody else', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN })
  const status = async (token?: string | null) =>
    (await ask('GET', '/admin/status', token === undefined ? {} : { token })).status

  t.is(await status(null), 401)
  t.is(await status('wrong'), 401)
  t.is(await status(READ_TOKEN), 200)
  t.is(await status(), 200)
})

test('a database that lacks migrations or is away is what the status tells', async (t) => {
  const { ask, db } = await startTestWeb(t)
  await sql`delete from kysely_migration`.execute(db)

  const unmigrated = await ask('GET', '/admin/status')

  t.is(unmigrated.status, 200)
  t.like(unmigrated.at('problems'), [{ code: 'database_unmigrated' }])

  const away = await askWithoutDatabase(t)

  t.is(away.status, 200)
  t.like(away.at('problems'), [{ code: 'database_unreachable' }])
  t.is(away.at('hints'), null)
})

async function askWithoutDatabase(t: Parameters<typeof startTestWeb>[0]) {
  setLogLevel('silent')
  const url = `postgres://nobody@127.0.0.1:${await freePort()}/x`
  const config = loadConfig(await testEnvironment(url, { urlTemplate: 'https://{subdomain}.test' }))
  const db = connect(url)
  t.teardown(() => db.destroy())
  const app = createApp([statusRoutes({ db, sinks: [], config })])
  const web = await listen(app, { host: '127.0.0.1', port: 0 })
  t.teardown(() => web[Symbol.asyncDispose]())
  const headers = { authorization: `Bearer ${config.secrets.adminToken}` }
  return readAnswer(await fetch(`http://127.0.0.1:${web.port}/admin/status`, { headers }))
}

/** One of everything that can go wrong, two hours ago; answers the active and the errored integration. */
async function fillTroubles(db: Kysely<Database>): Promise<string[]> {
  const old = sql<Date>`now() - interval '2 hours'`
  await db.insertInto('workspace').values({ id: 'w1' }).execute()
  const [active, errored] = await db
    .insertInto('integration')
    .values([
      { workspaceId: 'w1', subdomain: 'canary', status: 'active' },
      {
        workspaceId: 'w1',
        subdomain: 'other',
        status: 'errored',
        errorCode: 'role_insufficient',
        errorMessage: 'CANARY',
      },
    ])
    .returning('id')
    .execute()
  const id = active?.id ?? ''
  await sql`
    insert into run (integration_id, kind, window_from, state, attempts, finished_at, error_code,
      error_message)
    values (${id}, 'sync', now(), 'failed', 30, ${old}, 'ERR_X', 'CANARY'),
      (${id}, 'sync', now(), 'waiting', 2, null, null, null)`.execute(db)
  await sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, received_at,
      due_at)
    select ${id}::uuid, event_id, 1, 'soft_deleted', 'privacy', at, at, at
    from unnest('{a,b}'::text[], array[now() + interval '1 minute', ${old}]) row (event_id, at)`.execute(
    db,
  )
  await sql`
    insert into ticket (integration_id, ticket_id, generated_at, updated_at, status, tags, fingerprint,
      outcome, reason, retry_at)
    values (${id}, 1, now(), now(), 'open', '{CANARY}', 'x', 'quarantined', 'CANARY', now())`.execute(
    db,
  )
  await db.insertInto('webhookCheck').values({ integrationId: id, problem: 'forbidden' }).execute()
  await fillOutbox(db, id)
  return [id, errored?.id ?? '']
}

/** Five entries, of which one sink has come to two and another one to none: one waits, one is dead. */
async function fillOutbox(db: Kysely<Database>, id: string): Promise<void> {
  await sql`
    insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
    select ${id}::uuid, n, 'w1', 1, 'live', 'x' from generate_series(1, 5) n`.execute(db)
  await sql`
    insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id, revision,
      content_hash, published_at)
    select 'w1', n, 'pub_' || n, 'transcript.published', ${id}::uuid, n, 1, 'x',
      now() - interval '2 hours'
    from generate_series(1, 5) n`.execute(db)
  await sql`insert into feed (workspace_id, last_sequence) values ('w1', 5)`.execute(db)
  await sql`
    insert into sink_position (sink, workspace_id, sequence) values ('http', 'w1', 2)`.execute(db)
  await sql`
    insert into sink (workspace_id, sink_id, url, key_id, secret, state, state_reason)
    values ('w1', 'crm', 'http://CANARY', 'k', 'x', 'active', null),
      ('w1', 'old', 'http://CANARY', 'k', 'x', 'stopped', 'CANARY')`.execute(db)
  await sql`
    insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id, state, attempts,
      created_at, settled_at)
    values ('http', 'w1', 1, ${id}, 1, 'pending', 3, now() - interval '2 hours', null),
      ('http', 'w1', 2, ${id}, 2, 'dead', 9, now(), now())`.execute(db)
}
