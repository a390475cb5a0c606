import type { DateTime } from 'luxon'
import { sumOf } from '../platform/held-time.ts'
import { type Ledger, unaccounted } from '../run/ledger.ts'
import { boundOf, etaSeconds, progressOf, ticketsPerSecond } from '../run/progress/pace.ts'
import type { Wait, Waits } from '../run/progress/waits.ts'
import type { Run } from '../run/store.ts'
import type { Quarantine } from './store.ts'

/**
 * A run as people see it. `running_seconds` is what was worked on it, and `tickets_per_second` the
 * pace by that time; `waits` is the rest. What was set aside belongs to the integration and is shown
 * where one run is.
 */
export function runJson(run: Run, now: DateTime, quarantine?: Quarantine) {
  return {
    id: run.id,
    integration_id: run.integrationId,
    kind: run.kind,
    slot: run.slot?.toISO() ?? null,
    state: run.state,
    window_from: run.windowFrom.toISO(),
    created_at: run.createdAt.toISO(),
    started_at: run.startedAt?.toISO() ?? null,
    finished_at: run.finishedAt?.toISO() ?? null,
    wait_reason: run.waitReason,
    attempts: run.attempts,
    pages: run.pages,
    progress: progressOf(run),
    eta_seconds: etaSeconds(run, now),
    bounded_by: boundOf(run, now),
    running_seconds: toSeconds(run.runningMs),
    tickets_per_second: ticketsPerSecond(run),
    amber: amberOf(run),
    ledger: ledgerJson(run.ledger),
    hints: run.hints,
    requests: run.requests,
    waits: waitsJson(run.waits),
    plan: run.plan,
    drift: run.drift,
    error: run.error,
    ...(quarantine && { quarantine: quarantineJson(quarantine) }),
  }
}

function ledgerJson(ledger: Ledger) {
  return {
    tickets_seen: ledger.seen,
    published: ledger.published,
    unchanged: ledger.unchanged,
    filtered: ledger.filtered,
    no_public_comments: ledger.noPublicComments,
    gone: ledger.gone,
    quarantined: ledger.quarantined,
    retracted: ledger.retracted,
    unaccounted: unaccounted(ledger),
    closes: unaccounted(ledger) === 0,
  }
}

/** Why somebody should look at a run that did not fail, in words; nothing: it is as it should be. */
function amberOf({ ledger, unaccounted: tickets, drift }: Run): string[] {
  const reasons: string[] = []
  if (unaccounted(ledger) !== 0) {
    const which = tickets.length === 0 ? '' : `, among them ${tickets.join(', ')}`
    reasons.push(`${unaccounted(ledger)} of the tickets seen came to no end${which}`)
  }
  if (drift.found > 0) {
    reasons.push(
      `${drift.found} of ${drift.sampled} transcripts that were read a second time had drifted`,
    )
  }
  return reasons
}

/** The sums are those of all waits, also of the short ones that are not listed. */
function waitsJson({ heldMs, failedMs, last }: Waits) {
  return {
    total_seconds: toSeconds(sumOf(heldMs) + failedMs),
    zendesk_limit_seconds: toSeconds(heldMs.zendesk_limit),
    quota_share_seconds: toSeconds(heldMs.quota_share),
    database_seconds: toSeconds(heldMs.database),
    failure_seconds: toSeconds(failedMs),
    last: last.map(waitJson),
  }
}

/** `until` is what was planned as long as `seconds` is not known. */
function waitJson({ reason, boundedBy, from, until, ms }: Wait) {
  const seconds = ms === null ? null : toSeconds(ms)
  return { reason, bounded_by: boundedBy, from, until, seconds }
}

function quarantineJson({ tickets, nextTryAt, reasons }: Quarantine) {
  return { tickets, next_try_at: nextTryAt?.toISO() ?? null, reasons }
}

function toSeconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
