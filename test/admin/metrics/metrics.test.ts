import test from 'ava'
import { sql } from 'kysely'
import { namesIn } from '../../support/metric-names.ts'
import { aFeed } from '../../support/outbox-rows.ts'
import { startTestWeb } from '../../support/web.ts'

const READ_TOKEN = 'a-token-for-readers-only'

test('who reads may see the metrics, and nobody else', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN })
  const status = async (token?: string | null) =>
    (await ask('GET', '/metrics', token === undefined ? {} : { token })).status

  t.is(await status(null), 401)
  t.is(await status('wrong'), 401)
  t.is(await status(READ_TOKEN), 200)
  t.is(await status(), 200)
})

test('metrics are text for Prometheus, by its conventions', async (t) => {
  const { ask } = await startTestWeb(t)

  const { text, headers } = await ask('GET', '/metrics')

  t.regex(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  t.true(text.includes('hearflow_zendesk_build_info{version="0.1.0"} 1\n'))
  t.true(text.includes('hearflow_zendesk_database_up 1\n'))
  t.true(text.includes('process_resident_memory_bytes '))
  for (const [, name = '', type] of text.matchAll(/^# TYPE (hearflow_zendesk_\w+) (\w+)$/gm)) {
    t.is(name.endsWith('_total'), type === 'counter', name)
    t.false(/_(ms|milliseconds|minutes|hours|kb|mb)(_|$)/.test(name), name)
  }
  t.true(namesIn(text).size > 25)
})

test('what workers have counted in rows any web process tells', async (t) => {
  const { ask, db } = await startTestWeb(t)
  const { integrationId } = await aFeed(db)
  await sql`
    insert into request_count (integration_id, family, status, requests)
    values (${integrationId}, 'incremental', 200, 41), (${integrationId}, 'incremental', 429, 2)`.execute(
    db,
  )
  await sql`
    insert into feed (workspace_id, last_sequence) values ('w1', 7)
    on conflict (workspace_id) do update set last_sequence = 7`.execute(db)
  await sql`
    insert into latency (name, le, observed, seconds)
    values ('slot_to_done', 60, 2, 50), ('slot_to_done', 300, 1, 100), ('slot_to_done', 'infinity', 1,
      1000)`.execute(db)

  const { text } = await ask('GET', '/metrics')

  for (const line of [
    'requests_total{family="incremental",status="200"} 41',
    'requests_total{family="incremental",status="429"} 2',
    'publications_total 7',
    'integrations{status="pending"} 1',
    'slot_to_done_seconds_bucket{le="60"} 2',
    'slot_to_done_seconds_bucket{le="300"} 3',
    'slot_to_done_seconds_bucket{le="+Inf"} 4',
    'slot_to_done_seconds_sum 1150',
    'slot_to_done_seconds_count 4',
    'hint_to_publication_seconds_count 0',
  ]) {
    t.true(text.includes(`\nhearflow_zendesk_${line}\n`), line)
  }
  t.false(text.includes(integrationId))
  t.false(text.includes('w1'))
})

test('requests are told by the pattern of their route, also those of an unknown address', async (t) => {
  const { ask } = await startTestWeb(t)
  await ask('GET', '/admin/workspaces/CANARY')
  await ask('GET', '/nowhere/CANARY')

  const { text } = await ask('GET', '/metrics')

  const counted = (labels: string) =>
    text.includes(`\nhearflow_zendesk_http_request_duration_seconds_count{${labels}} 1\n`)
  t.true(counted('method="GET",route="/admin/workspaces/:workspace_id",status="404"'))
  t.true(counted('method="GET",route="none",status="404"'))
  t.false(text.includes('CANARY'))
})

test('without its tables the process is measured all the same', async (t) => {
  const { ask, db } = await startTestWeb(t)
  await sql`delete from kysely_migration`.execute(db)

  const { status, text } = await ask('GET', '/metrics')

  t.is(status, 200)
  t.true(text.includes('hearflow_zendesk_database_up 0\n'))
  t.true(text.includes('process_cpu_seconds_total '))
})
