import type { DateTime } from 'luxon'
import { Counter, Gauge, Registry } from 'prom-client'
import type { RunKind } from '../../../db/schema.ts'
import type { Facts, Look, Some } from '../status/facts.ts'
import { NO_SINKS, ageSeconds, pendingPublications } from '../status/status-json.ts'
import { KeptHistogram } from './kept-histogram.ts'
import type { Bucket, Ended, SentRequests } from './store.ts'

export interface Counted {
  readonly requests: readonly SentRequests[]
  readonly publications: number
  readonly latencies: readonly Bucket[]
  readonly ended: readonly Ended[]
}

export interface RowMetrics {
  readonly version: string
  readonly look: Look
  /** Null while the database is away. */
  readonly counted: Counted | null
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

/**
 * What rows say, as metrics: the same from every web process, for none of it lives in one of them.
 * Gauges of what is unfinished stop at what is counted of it. No label names a workspace, an account
 * or an integration: their number has no bound.
 */
export function rowMetrics({ version, look, counted }: RowMetrics): Registry {
  const metrics = new Metrics()
  metrics.gauge('build_info', 'The version that runs; always 1', [[{ version }, 1]])
  const isUp = look.kind === 'seen' ? 1 : 0
  metrics.gauge('database_up', 'Whether the database is reachable and migrated', [[{}, isUp]])
  if (look.kind === 'seen') addFacts(metrics, look.facts)
  if (counted !== null) addCounted(metrics, counted)
  return metrics.registry
}

function addFacts(metrics: Metrics, facts: Facts): void {
  const { now, hints, dead, quarantined, deliveries } = facts
  metrics.gauge('database_size_bytes', 'Size of the database', [[{}, facts.sizeBytes]])
  metrics.gauge('workers', 'Workers that are alive', [[{}, facts.workers]])
  metrics.gauge(
    'integrations',
    'Integrations by status',
    by('status', Object.entries(facts.integrations)),
  )
  metrics.gauge(
    'integrations_errored',
    'Integrations that stand still, by the code of their error',
    by(
      'code',
      facts.errored.map(({ code, count }) => [code, count]),
    ),
  )
  addQueues(metrics, facts)
  metrics.gauge(
    'runs_unfinished',
    'Runs that are not finished, by state',
    by('state', Object.entries(facts.runs.unfinished)),
  )
  metrics.gauge('runs_failed', 'Runs of active integrations given up within the last day', [
    [{}, facts.failedRuns.count],
  ])
  metrics.gauge('hints_pending', 'Hints that wait for a look', [[{}, hints.count]])
  metrics.age('hint_oldest_age_seconds', 'Age of the hint that waits longest', hints.oldestAt, now)
  metrics.gauge(
    'hints_late',
    'Hints that words were taken back and that are overdue by half an hour',
    [[{}, facts.lateHints.count]],
  )
  const outbox = pendingPublications(facts)
  metrics.gauge('outbox_pending', 'Publications that wait for a sink', [[{}, outbox.count]])
  metrics.age(
    'outbox_oldest_age_seconds',
    'Age of the publication that waits longest for a sink',
    outbox.oldestAt,
    now,
  )
  metrics.gauge('deliveries_retrying', 'Deliveries that wait for another attempt', [
    [{}, deliveries.retrying],
  ])
  metrics.gauge('deliveries_dead', 'Deliveries that were given up', [[{}, dead.count]])
  metrics.gauge('tickets_quarantined', 'Tickets that cannot be read and are set aside', [
    [{}, quarantined.count],
  ])
  metrics.gauge(
    'sinks',
    'Receivers of publications by state',
    by('state', Object.entries({ ...NO_SINKS, ...ofSinks(facts) })),
  )
  metrics.gauge(
    'webhooks_unwell',
    'Webhooks that the last look found unwell, by problem',
    by(
      'problem',
      facts.webhooks.map(({ problem, count }) => [problem, count]),
    ),
  )
}

function ofSinks({ sinks }: Facts): Record<string, number> {
  return Object.fromEntries(sinks.map(({ state, count }) => [state, count]))
}

function addQueues(metrics: Metrics, { queues, now }: Facts): void {
  const states: readonly ('ready' | 'active' | 'failed')[] = ['ready', 'active', 'failed']
  const jobs = queues.flatMap((queue) =>
    states.map((state): Sample => [{ queue: queue.name, state }, countOf(queue[state])]),
  )
  metrics.gauge('queue_jobs', 'Jobs by queue and state', jobs)
  const ages = queues.map(({ name, oldestAt }): Sample => [
    { queue: name },
    ageSeconds(oldestAt, now) ?? 0,
  ])
  metrics.gauge('queue_oldest_job_age_seconds', 'Age of the job that has been ready longest', ages)
}

function countOf({ count }: Some): number {
  return count
}

function addCounted(metrics: Metrics, counted: Counted): void {
  const { requests, publications, latencies, ended } = counted
  metrics.counter(
    'requests_total',
    'Requests sent to Zendesk by limit family and status; status 0: no whole answer',
    requests.map(({ family, status, requests: sent }) => [{ family, status: `${status}` }, sent]),
  )
  metrics.counter('publications_total', 'Entries of all feeds', [[{}, publications]])
  metrics.counter('runs_total', 'Runs that have ended, by kind and final state', runsOf(ended))
  metrics.counter(
    'deliveries_total',
    'What became of deliveries; postponed: an attempt in vain that is not the last one',
    deliveriesOf(ended),
  )
  const bucketsOf = (name: string) => latencies.filter((bucket) => bucket.name === name)
  metrics.histogram(
    'hint_to_publication_seconds',
    'From a hint to the publication of what it told of',
    bucketsOf('hint_to_publication'),
  )
  metrics.histogram(
    'slot_to_done_seconds',
    'From a slot to the end of its run',
    bucketsOf('slot_to_done'),
  )
}

const KINDS: readonly RunKind[] = ['backfill', 'sync', 'hints']
const ENDS = ['done', 'failed'] as const
const DELIVERED = ['delivered', 'superseded', 'dead', 'postponed'] as const

/** A counter begins at zero: one that appears with its first event hides that event from a rate. */
function runsOf(ended: readonly Ended[]): Sample[] {
  return KINDS.flatMap((kind) =>
    ENDS.map((state): Sample => [{ kind, state }, countedOf(ended, kind, state)]),
  )
}

function deliveriesOf(ended: readonly Ended[]): Sample[] {
  return DELIVERED.map((outcome) => [{ outcome }, countedOf(ended, 'delivery', outcome)])
}

function countedOf(
  ended: readonly Ended[],
  what: Ended['what'],
  outcome: Ended['outcome'],
): number {
  return ended.find((row) => row.what === what && row.outcome === outcome)?.counted ?? 0
}

function by(label: string, counts: readonly (readonly [string, number])[]): Sample[] {
  return counts.map(([value, count]) => [{ [label]: value }, count])
}

export const PREFIX = 'hearflow_zendesk_'

class Metrics {
  readonly registry = new Registry()

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    const gauge = new Gauge({ name: PREFIX + name, help, labelNames: labelsOf(samples), registers })
    for (const [labels, value] of samples) gauge.set(labels, value)
    this.registry.registerMetric(gauge)
  }

  /** Zero if nothing waits. */
  age(name: string, help: string, oldestAt: DateTime | null, now: DateTime): void {
    this.gauge(name, help, [[{}, ageSeconds(oldestAt, now) ?? 0]])
  }

  counter(name: string, help: string, samples: readonly Sample[]): void {
    const labelNames = labelsOf(samples)
    const counter = new Counter({ name: PREFIX + name, help, labelNames, registers })
    for (const [labels, value] of samples) counter.inc(labels, value)
    this.registry.registerMetric(counter)
  }

  histogram(name: string, help: string, buckets: readonly Bucket[]): void {
    this.registry.registerMetric(new KeptHistogram(PREFIX + name, help, buckets))
  }
}

/** None but the one that each is put into. */
const registers: Registry[] = []

function labelsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap(([labels]) => Object.keys(labels)))]
}
