import type { DateTime } from 'luxon'
import type { Ledger } from '../run/ledger.ts'
import type { Run } from '../run/store.ts'

export function runJson(run: Run, now: DateTime) {
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
    progress: progressOf(run, now),
    ledger: ledgerJson(run.ledger),
    requests: run.requests,
    error: run.error,
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
  }
}

/** How far a run has come, by the instants of the stream between `windowFrom` and now. */
export function progressOf(run: Run, now: DateTime): number {
  const { reachedAt } = run
  if (run.state === 'done') return 1
  if (reachedAt === null) return 0
  const whole = now.diff(run.windowFrom).toMillis()
  const share = whole <= 0 ? 0 : reachedAt.diff(run.windowFrom).toMillis() / whole
  return Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000
}

/** Seconds until the end at the pace so far; `null` while there is nothing to reckon with. */
export function etaSeconds(run: Run, progress: number, now: DateTime): number | null {
  if (run.state === 'done') return 0
  if (run.state === 'failed' || run.startedAt === null || progress === 0) return null
  const spent = now.diff(run.startedAt).as('seconds')
  return Math.max(0, Math.round((spent * (1 - progress)) / progress))
}
