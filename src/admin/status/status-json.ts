import { DateTime } from 'luxon'
import { everySchedule, latestSlotAt, nextSlotAfter } from '../../workspace/calendar.ts'
import type { Facts, Look, QueueFacts, Waiting } from './facts.ts'
import { type Problem, problemsOf } from './problems.ts'

export interface Shown {
  readonly version: string
  readonly syncTimeUtc: string
  /** The clock of this process, by which slots are told while the database is away. */
  readonly now: DateTime
}

/** The whole service on one page; first what a person has to do, and nothing but `null` where nobody knows. */
export function statusJson(look: Look, { version, syncTimeUtc, now: ownNow }: Shown) {
  const facts = look.kind === 'seen' ? look.facts : null
  const now = facts?.now ?? ownNow
  const problems = problemsOf(look)
  return {
    ok: problems.length === 0,
    problems: problems.map(problemJson),
    version,
    now: now.toISO(),
    database: databaseJson(look),
    slot_clock: slotClock(syncTimeUtc, now),
    ...(facts === null ? UNKNOWN : factsJson(facts)),
  }
}

const UNKNOWN = {
  workers: null,
  queues: null,
  integrations: null,
  runs: null,
  hints: null,
  outbox: null,
  retries: null,
  dead_publications: null,
  replays: null,
  quarantined: null,
  sinks: null,
  webhooks: null,
}

export const NO_SINKS = { active: 0, failing: 0, stopped: 0, off: 0 }

function factsJson(facts: Facts) {
  const { now, runs, deliveries, quarantined, dead, replays } = facts
  return {
    workers: { alive: facts.workers },
    queues: Object.fromEntries(facts.queues.map((queue) => [queue.name, queueJson(queue, now)])),
    integrations: facts.integrations,
    runs: {
      ...runs.unfinished,
      is_more: runs.isMore,
      failed_last_day: facts.failedRuns.count,
    },
    hints: waitingJson(facts.hints, now),
    outbox: outboxJson(facts),
    retries: {
      runs: runs.retrying,
      deliveries: deliveries.retrying,
      tickets: quarantined.count,
    },
    dead_publications: { count: dead.count, is_more: dead.isMore },
    replays: { count: replays.count, is_more: replays.isMore },
    quarantined: { count: quarantined.count, is_more: quarantined.isMore },
    sinks: {
      ...NO_SINKS,
      ...Object.fromEntries(facts.sinks.map(({ state, count }) => [state, count])),
    },
    webhooks: {
      problems: Object.fromEntries(facts.webhooks.map((it) => [it.problem, it.count])),
    },
  }
}

function problemJson({ code, message, action, count, isMore, ...of }: Problem) {
  const { integrationIds, sinks } = of
  return { code, message, action, count, is_more: isMore, integration_ids: integrationIds, sinks }
}

function databaseJson(look: Look) {
  return {
    reachable: look.kind !== 'unreachable',
    migrated: look.kind === 'unreachable' ? null : look.kind === 'seen',
    size_bytes: look.kind === 'seen' ? look.facts.sizeBytes : null,
  }
}

/** The nearest slots of any plan and day on either side of the instant. */
function slotClock(syncTimeUtc: string, now: DateTime) {
  const slots = everySchedule()
  const last = slots.map((schedule) => latestSlotAt(schedule, syncTimeUtc, now))
  const next = slots.map((schedule) => nextSlotAfter(schedule, syncTimeUtc, now))
  return {
    time_utc: syncTimeUtc,
    last_slot: DateTime.max(...last)?.toISO() ?? null,
    next_slot: DateTime.min(...next)?.toISO() ?? null,
  }
}

function queueJson({ ready, active, failed, oldestAt }: QueueFacts, now: DateTime) {
  return {
    ready: ready.count,
    active: active.count,
    failed: failed.count,
    is_more: ready.isMore || active.isMore || failed.isMore,
    oldest_age_seconds: ageSeconds(oldestAt, now),
  }
}

function waitingJson({ count, isMore, oldestAt }: Waiting, now: DateTime) {
  return {
    pending: count,
    is_more: isMore,
    oldest_at: oldestAt?.toISO() ?? null,
    oldest_age_seconds: ageSeconds(oldestAt, now),
  }
}

function outboxJson({ behind, deliveries, now }: Facts) {
  return waitingJson(pendingPublications({ behind, deliveries }), now)
}

/** What sinks have not come to and what waits for another attempt. */
export function pendingPublications({
  behind,
  deliveries,
}: Pick<Facts, 'behind' | 'deliveries'>): Waiting {
  const instants = [behind.oldestAt, deliveries.oldestAt].filter((instant) => instant !== null)
  const oldestAt = DateTime.min(...instants) ?? null
  return { count: behind.entries + deliveries.count, isMore: deliveries.isMore, oldestAt }
}

export function ageSeconds(instant: DateTime | null, now: DateTime): number | null {
  return instant === null ? null : Math.max(0, Math.round(now.diff(instant).as('seconds')))
}
