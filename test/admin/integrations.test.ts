import { randomUUID } from 'node:crypto'
import test from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database, IntegrationStatus } from '../../db/schema.ts'
import { flagErrored } from '../../src/integration/store.ts'
import { startCursor } from '../../src/cursor/store.ts'
import { IntegrationId, RunId } from '../../src/ids.ts'
import { failRun, insertRun } from '../../src/run/store.ts'
import { type Feed, aFeed } from '../support/outbox-rows.ts'
import { startTestWeb } from '../support/web.ts'

const DAY_MS = 86_400_000

async function aBackfill(db: Kysely<Database>, { integrationId }: Feed): Promise<string> {
  const windowFrom = new Date(Date.now() - 100 * DAY_MS)
  return db.transaction().execute(async (trx) => {
    await startCursor(trx, integrationId, windowFrom)
    return insertRun(trx, { integrationId, kind: 'backfill', windowFrom })
  })
}

test('an integration that waits for consent shows what there is', async (t) => {
  const { ask, config, db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)

  const { status, json } = await ask('GET', `/admin/integrations/${integrationId}`)

  t.is(status, 200)
  const { status_since, ...rest } = json
  t.regex(String(status_since), /^\d{4}-.*Z$/)
  t.deepEqual(rest, {
    id: integrationId,
    workspace_id: 'w1',
    subdomain: 'acme',
    status: 'pending',
    error: null,
    reconnect_required: false,
    connected_at: null,
    careful_until: null,
    webhook: {
      state: 'missing',
      endpoint: `${config.publicUrl}/webhooks/zendesk/${integrationId}`,
      last_received_at: null,
      checked_at: null,
      problem: null,
      silent_share: null,
    },
    token: null,
    sync: { cursor_at: null, lag_seconds: null, last_slot: null, next_slot: null, last_run: null },
    backfill: null,
    counts: {
      tickets_seen: 0,
      published: 0,
      filtered: 0,
      no_public_comments: 0,
      retracted: 0,
      quarantined: 0,
      hints_pending: 0,
    },
    hints: { pending: 0, pending_since: null, oldest_age_seconds: 0 },
    quota: { limit_per_minute: null, our_share: 0.5, used_last_minute: 0 },
  })
})

test('a backfill shows how far it is in its window', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const feed = await aFeed(db)
  const runId = await aBackfill(db, feed)
  const reached = new Date(Date.now() - 25 * DAY_MS)
  await db.updateTable('cursor').set({ generatedAt: reached }).execute()
  const started = new Date(Date.now() - 300_000)
  await db
    .updateTable('run')
    .set({
      state: 'running',
      startedAt: started,
      reachedAt: reached,
      ticketsSeen: 750,
      published: 700,
      filtered: 50,
      runningMs: 60_000,
      pace: JSON.stringify([
        {
          at: Date.now() - 60_000,
          reached: reached.getTime() - 15 * DAY_MS,
          heldMs: { zendesk_limit: 0, quota_share: 0, database: 0 },
        },
      ]),
      waits: JSON.stringify({
        last: [],
        heldMs: { zendesk_limit: 0, quota_share: 45_000, database: 2_000 },
        failedMs: 1_000,
      }),
    })
    .execute()

  const shown = await ask('GET', `/admin/integrations/${feed.integrationId}`)

  t.like(shown.at('backfill'), {
    state: 'running',
    progress: 0.75,
    tickets_seen: 750,
    bounded_by: 'quota_share',
  })
  t.true(Math.abs((shown.at('backfill.eta_seconds') as number) - 100) <= 3)
  t.is(shown.at('sync.cursor_at'), reached.toISOString())
  t.true(Math.abs((shown.at('sync.lag_seconds') as number) - (25 * DAY_MS) / 1000) <= 5)
  t.like(shown.at('sync.last_run'), {
    id: runId,
    kind: 'backfill',
    state: 'running',
    progress: 0.75,
    running_seconds: 60,
    tickets_per_second: 12.5,
    waits: {
      total_seconds: 48,
      zendesk_limit_seconds: 0,
      quota_share_seconds: 45,
      database_seconds: 2,
      failure_seconds: 1,
      last: [],
    },
  })

  await sql`update run set state = 'done', finished_at = now()`.execute(db)
  const done = await ask('GET', `/admin/integrations/${feed.integrationId}`)
  t.like(done.at('backfill'), { state: 'done', progress: 1, eta_seconds: 0 })
})

test('what is shown belongs together, whatever is written meanwhile', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const feed = await aFeed(db)
  const runId = RunId.parse(await aBackfill(db, feed))
  const error = { code: 'zendesk_shape', message: 'a form that is not known' } as const
  const lock = await db.startTransaction().execute()
  await sql`lock table cursor`.execute(lock)

  const showing = ask('GET', `/admin/integrations/${feed.integrationId}`)
  await untilSomebodyWaitsFor(db, 'cursor')
  await flagErrored(db, feed.integrationId, error)
  await failRun(db, runId, error)
  await lock.rollback().execute()

  const shown = await showing
  t.is(shown.at('status'), 'pending')
  t.is(shown.at('backfill.state'), 'running')
})

async function untilSomebodyWaitsFor(db: Kysely<Database>, table: string): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select from pg_locks where not granted and relation = ${table}::regclass
        and database = (select oid from pg_database where datname = current_database())`.execute(db)
    if (rows.length > 0) return
  }
}

test('tickets are counted by what became of them', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const feed = await aFeed(db)
  const other = await aFeed(db, 'w2')
  const outcomes = { published: 4, filtered: 3, no_public_comments: 2, gone: 1, quarantined: 1 }
  for (const [outcome, tickets] of Object.entries(outcomes)) {
    await sql`
      insert into ticket (integration_id, ticket_id, generated_at, updated_at, status, tags,
        fingerprint, outcome, reason, retry_at)
      select ${feed.integrationId}, (select count(*) from ticket) + n, now(), now(), 'open', '{}',
        'x', ${outcome}, ${outcome === 'quarantined' ? 'too long' : null},
        ${outcome === 'quarantined' ? new Date() : null}::timestamptz
      from generate_series(1, ${tickets}::int) n`.execute(db)
  }
  await sql`
    insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
    values (${feed.integrationId}, 1, 'w1', 1, 'live', 'x'),
      (${feed.integrationId}, 2, 'w1', 2, 'retracted', 'x'),
      (${other.integrationId}, 1, 'w2', 2, 'retracted', 'x')`.execute(db)
  await sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, due_at,
      settled_at, outcome)
    select ${feed.integrationId}, n, n, 'comment_added', 'content', now(), now(),
      case when n = 1 then now() end, case when n = 1 then 'moot' end
    from generate_series(1, 3) n`.execute(db)

  const shown = await ask('GET', `/admin/integrations/${feed.integrationId}`)

  t.deepEqual(shown.at('counts'), {
    tickets_seen: 11,
    published: 4,
    filtered: 3,
    no_public_comments: 2,
    retracted: 1,
    quarantined: 1,
    hints_pending: 2,
  })
})

test('the share of the limit is that of the workspace, or the configured one', async (t) => {
  const { ask, db } = await startTestWeb(t, { ZENDESK_QUOTA_SHARE: '0.4' })
  const { integrationId } = await aFeed(db)
  await db
    .insertInto('budget')
    .values({ account: 'acme', family: 'account', limitPerMinute: 700 })
    .execute()
  const path = `/admin/integrations/${integrationId}`

  t.like((await ask('GET', path)).at('quota'), { limit_per_minute: 700, our_share: 0.4 })

  await ask('PUT', '/admin/workspaces/w1', { json: { quota_share: 0.1 } })
  t.like((await ask('GET', path)).at('quota'), { our_share: 0.1 })
})

test('an error says since when and what to do', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)
  await flagErrored(db, integrationId, { code: 'zendesk_shape', message: 'no field "id"' })

  const shown = await ask('GET', `/admin/integrations/${integrationId}`)

  t.is(shown.at('status'), 'errored')
  t.like(shown.at('error'), { code: 'zendesk_shape', message: 'no field "id"' })
  t.is(shown.at('error.since'), shown.at('status_since'))
  t.regex(String(shown.at('error.action')), /update this service/)
  t.is(shown.at('reconnect_required'), false)
})

test('the list shows one status if asked, and is paged', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const statuses: IntegrationStatus[] = ['active', 'pending', 'active', 'paused', 'active']
  for (const [index, status] of statuses.entries()) {
    const { integrationId } = await aFeed(db, `w${index}`)
    await db.updateTable('integration').set({ status }).where('id', '=', integrationId).execute()
  }
  const idsOf = (answer: { at: (path: string) => unknown }) =>
    (answer.at('data') as { id: string; status: string }[]).map(({ id }) => id)

  const all = await ask('GET', '/admin/integrations')
  t.is(idsOf(all).length, 5)
  t.is(all.at('next_cursor'), null)

  const first = await ask('GET', '/admin/integrations?status=active&limit=2')
  const cursor = first.at('next_cursor') as string
  const second = await ask('GET', `/admin/integrations?status=active&limit=2&cursor=${cursor}`)
  t.is(second.at('next_cursor'), null)
  const active = await db
    .selectFrom('integration')
    .select('id')
    .where('status', '=', 'active')
    .orderBy('id')
    .execute()
  t.deepEqual(
    [...idsOf(first), ...idsOf(second)],
    active.map(({ id }) => id),
  )

  t.is((await ask('GET', '/admin/integrations?status=broken')).status, 422)
  t.is((await ask('GET', '/admin/integrations?status=')).status, 200)
})

test('runs are listed newest first, and each can be read', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const feed = await aFeed(db)
  const ids = [await aBackfill(db, feed), await aBackfill(db, feed), await aBackfill(db, feed)]
  const path = `/admin/integrations/${feed.integrationId}/runs`

  const first = await ask('GET', `${path}?limit=2`)
  const cursor = first.at('next_cursor') as string
  const second = await ask('GET', `${path}?limit=2&cursor=${cursor}`)

  const found = [...(first.at('data') as object[]), ...(second.at('data') as object[])]
  t.deepEqual(
    found.map((run) => Reflect.get(run, 'id')),
    ids.toReversed(),
  )
  const run = await ask('GET', `${path}/${ids[0]}`)
  t.like(run.json, {
    id: ids[0],
    integration_id: feed.integrationId,
    kind: 'backfill',
    slot: null,
    state: 'queued',
    progress: 0,
    requests: {},
    error: null,
  })
  t.like(run.at('ledger'), { tickets_seen: 0, published: 0, unchanged: 0, retracted: 0 })
})

test('a run is only found below its own integration', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const feed = await aFeed(db)
  const other = await aFeed(db, 'w2')
  const runId = await aBackfill(db, feed)

  t.is((await ask('GET', `/admin/integrations/${feed.integrationId}/runs/${runId}`)).status, 200)
  t.is((await ask('GET', `/admin/integrations/${other.integrationId}/runs/${runId}`)).status, 404)
})

test('what cannot be an id names nothing', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)

  for (const id of ['x', '%00', '%E0%A4%A', "'", randomUUID()]) {
    const paths = [`/admin/integrations/${id}`, `/admin/integrations/${integrationId}/runs/${id}`]
    for (const path of paths) {
      const answer = await ask('GET', path)
      t.is(answer.status, 404, path)
      t.is(answer.at('error.code'), 'not_found')
    }
    t.is((await ask('POST', `/admin/integrations/${id}/reconnect`)).status, 404)
  }
})

test('the same error again keeps the instant of the first', async (t) => {
  const { db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)
  const row = () => db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()

  await flagErrored(db, integrationId, { code: 'client_rejected', message: 'a' })
  const first = await row()
  await flagErrored(db, integrationId, { code: 'client_rejected', message: 'b' })
  const second = await row()
  await flagErrored(db, integrationId, { code: 'zendesk_shape', message: 'c' })
  const third = await row()

  t.is(second.errorMessage, 'b')
  t.is(second.statusSince.toMillis(), first.statusSince.toMillis())
  t.is(third.errorCode, 'zendesk_shape')
  t.true(third.statusSince >= first.statusSince)
})

test('a disconnected integration cannot fail', async (t) => {
  const { db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)
  await db.updateTable('integration').set({ status: 'disconnected' }).execute()

  await flagErrored(db, IntegrationId.parse(integrationId), { code: 'zendesk_shape', message: 'c' })

  const row = await db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()
  t.like(row, { status: 'disconnected', errorCode: null })
})

test('an active integration shows its last slot and the next one of its plan', async (t) => {
  const { ask, db } = await startTestWeb(t, { SYNC_TIME_UTC: '23:30' })
  const { integrationId } = await aFeed(db)
  const slots = [2, 3].map((days) => new Date(Date.now() - days * DAY_MS))
  for (const slot of slots) {
    const run = { integrationId, kind: 'sync', slot, windowFrom: slot } as const
    await db.insertInto('run').values(run).execute()
  }
  const sync = async () => (await ask('GET', `/admin/integrations/${integrationId}`)).json['sync']

  const before = Date.now()
  await sql`update integration set status = 'active'`.execute(db)
  await sql`update workspace set plan = 'starter', sync_day = 'friday'`.execute(db)
  const weekly = (await sync()) as { last_slot: string; next_slot: string }
  await sql`update workspace set plan = 'pro'`.execute(db)
  const daily = (await sync()) as typeof weekly
  await sql`update integration set status = 'paused'`.execute(db)

  t.is(weekly.last_slot, slots[0]?.toISOString() ?? '')
  t.regex(weekly.next_slot, /T23:30:00\.000Z$/)
  t.is(new Date(weekly.next_slot).getUTCDay(), 5)
  const [daysToWeekly, daysToDaily] = [weekly, daily].map(
    ({ next_slot: next }) => (Date.parse(next) - before) / DAY_MS,
  )
  t.true(daysToWeekly !== undefined && daysToWeekly > 0 && daysToWeekly < 7.01)
  t.true(daysToDaily !== undefined && daysToDaily > 0 && daysToDaily < 1.01)
  t.like(await sync(), { last_slot: weekly.last_slot, next_slot: null })
})
