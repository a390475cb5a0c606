import test from 'ava'
import { DateTime } from 'luxon'
import type { Facts, Look } from '../../../src/admin/status/facts.ts'
import { problemsOf } from '../../../src/admin/status/problems.ts'
import { statusJson } from '../../../src/admin/status/status-json.ts'
import { someFacts } from '../../support/some-facts.ts'

const now = DateTime.utc(2026, 3, 3, 12)
const some = { count: 3, isMore: false }
const few = { ...some, ids: ['0199d0c0-0000-7000-8000-000000000000'] }
const look = (facts: Partial<Facts>): Look => ({ kind: 'seen', facts: someFacts(facts) })

test('a service at rest has no problem', (t) => {
  t.deepEqual(problemsOf(look({})), [])
})

const finds = test.macro({
  title: (_, code: string) => `${code} is told with what to do about it`,
  exec: (t, code: string, of: Look, words: RegExp) => {
    const [problem, ...others] = problemsOf(of)

    t.deepEqual(others, [])
    t.is(problem?.code, code)
    t.regex(problem?.action ?? '', words)
    t.true((problem?.count ?? 0) > 0)
    t.false(statusJson(of, { version: '1.2.3', syncTimeUtc: '04:00', now }).ok)
  },
})

const hourAgo = now.minus({ minutes: 61 })
const queue = { name: 'run', ready: some, active: some, failed: some, oldestAt: hourAgo }

test(finds, 'database_unreachable', { kind: 'unreachable' }, /DATABASE_URL/)
test(finds, 'database_unmigrated', { kind: 'unmigrated', pending: 2 }, /npm run release/)
test(finds, 'no_worker', look({ workers: 0 }), /npm run start:worker/)
test(finds, 'queue_late', look({ queues: [queue] }), /WORKER_CONCURRENCY/)
test(
  finds,
  'integration_credentials_revoked',
  look({ errored: [{ code: 'credentials_revoked', count: 3, ids: few.ids }] }),
  /reconnect the account/,
)
test(finds, 'runs_failed', look({ failedRuns: few }), /integrations\/\{id\}\/sync/)
test(finds, 'hints_late', look({ lateHints: few }), /start more workers/)
test(finds, 'tickets_quarantined', look({ quarantined: some }), /read the reasons/)
test(finds, 'deliveries_dead', look({ dead: some }), /redrive/)
test(
  finds,
  'outbox_late',
  look({ behind: { entries: 3, oldestAt: hourAgo } }),
  /what their sink answers/,
)
test(
  finds,
  'sinks_failing',
  look({ sinks: [{ state: 'failing', count: 2, sinks: ['w1/crm'] }] }),
  /2xx/,
)
test(
  finds,
  'sinks_stopped',
  look({ sinks: [{ state: 'stopped', count: 2, sinks: ['w1/crm'] }] }),
  /PUT the right address/,
)
test(finds, 'sinks_off', look({ sinks: [{ state: 'off', count: 2, sinks: ['w1/crm'] }] }), /replay/)
test(
  finds,
  'webhook_scope_missing',
  look({ webhooks: [{ problem: 'scope_missing', count: 1, ids: few.ids }] }),
  /webhooks:write/,
)

test('while nobody works, late jobs are not told beside that', (t) => {
  const problems = problemsOf(look({ workers: 0, queues: [queue] }))

  t.deepEqual(
    problems.map(({ code }) => code),
    ['no_worker'],
  )
})

test('without the database what is unknown is null, and the slots are known', (t) => {
  const json = statusJson({ kind: 'unreachable' }, { version: '1.2.3', syncTimeUtc: '04:00', now })

  t.is(json.version, '1.2.3')
  t.deepEqual(json.database, { reachable: false, migrated: null, size_bytes: null })
  t.is(json.integrations, null)
  t.is(json.slot_clock.last_slot, '2026-03-03T04:00:00.000Z')
  t.is(json.slot_clock.next_slot, '2026-03-04T04:00:00.000Z')
})
