import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { WebMetrics } from '../../../src/admin/metrics/web-metrics.ts'
import { rowMetrics } from '../../../src/admin/metrics/row-metrics.ts'
import { namesIn } from '../../support/metric-names.ts'
import { someFacts } from '../../support/some-facts.ts'
import { startTestWeb } from '../../support/web.ts'

const folder = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'operating')
const alerts = readFileSync(path.join(folder, 'alerts.yml'), 'utf8')
const dashboard = readFileSync(path.join(folder, 'dashboard.json'), 'utf8')

/** What looks like the name of a metric of ours or of the process. */
const NAME = /\b(?:hearflow_zendesk|process|nodejs)_\w+/g

test('alarms and the dashboard name only metrics that are served', async (t) => {
  const { ask } = await startTestWeb(t)
  const served = namesIn((await ask('GET', '/metrics')).text)

  const named = [alerts, dashboard].flatMap((text) => text.match(NAME) ?? [])

  t.true(named.length > 30)
  t.deepEqual(
    named.filter((name) => !served.has(name)),
    [],
  )
})

test('each metric of ours that can be red has an alarm', async (t) => {
  for (const name of [
    'database_up',
    'workers',
    'integrations_errored',
    'runs_failed',
    'queue_oldest_job_age_seconds',
    'hints_late',
    'outbox_oldest_age_seconds',
    'deliveries_dead',
    'sinks',
    'tickets_quarantined',
    'webhooks_unwell',
    'deliveries_total',
    'runs_total',
  ]) {
    t.regex(alerts, new RegExp(`expr: (?:>-\n +)?.*\\bhearflow_zendesk_${name}\\b`), name)
  }
  const served = namesIn(await textOf())
  t.true(served.has('hearflow_zendesk_http_request_duration_seconds'))
})

test('each alarm waits, is told how urgent it is, and says what to do', (t) => {
  const rules = alerts.split(/^ {6}- alert: /m).slice(1)

  t.true(rules.length > 10)
  for (const rule of rules) {
    const [name] = rule.split('\n')
    t.regex(rule, /^ {8}expr: \S/m, name)
    t.regex(rule, /^ {8}for: \d+[mhd]$/m, name)
    t.regex(rule, /^ {8}labels: \{ severity: (page|ticket) \}$/m, name)
    t.regex(rule, /^ {10}summary: \S/m, name)
    t.regex(rule, /^ {10}action: \S.{20}/m, name)
  }
})

test('each alarm has its row in the operating manual, and no row is about another one', (t) => {
  const manual = readFileSync(path.join(folder, 'README.md'), 'utf8')
  const names = [...alerts.matchAll(/^ {6}- alert: (\w+)$/gm)].map(([, name]) => name)
  const rows = [...manual.matchAll(/^\| `(HearflowZendesk\w+)` \| (.+) \| (.+) \|$/gm)]

  t.deepEqual(
    rows.map(([, name]) => name),
    names,
  )
  for (const [, name, meaning = '', remedy = ''] of rows) {
    t.true(meaning.length > 20 && remedy.length > 20, name)
  }
  const mentioned = manual.match(/HearflowZendesk\w+/g) ?? []
  t.deepEqual(
    mentioned.filter((name) => !names.includes(name)),
    [],
  )
})

test('the dashboard has a panel for each latency and a query in each panel', (t) => {
  const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets: unknown[] }[] }

  t.true(panels.every(({ targets }) => targets.length > 0))
  t.is(new Set(panels.map(({ title }) => title)).size, panels.length)
  t.regex(dashboard, /hint_to_publication_seconds_bucket/)
  t.regex(dashboard, /slot_to_done_seconds_bucket/)
})

async function textOf(): Promise<string> {
  const look = { kind: 'seen', facts: someFacts() } as const
  const counted = { requests: [], publications: 0, latencies: [], ended: [] }
  const rows = await rowMetrics({ version: '1.2.3', look, counted }).metrics()
  return `${rows}\n${await new WebMetrics().registry.metrics()}`
}
