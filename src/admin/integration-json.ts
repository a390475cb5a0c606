import type { DateTime } from 'luxon'
import { z } from 'zod'
import { type Integration, actionFor, needsReconnect } from '../integration/integration.ts'
import type { Cursor } from '../cursor/store.ts'
import type { Run } from '../run/store.ts'
import { SLOTS_A_MINUTE } from '../zendesk/budget/window.ts'
import { boundOf, etaSeconds, progressOf } from '../run/progress/pace.ts'
import { runJson } from './run-json.ts'
import type { Disconnection } from '../integration/disconnection/store.ts'
import { endJson } from './actions/disconnection-json.ts'
import { webhookEndpoint } from '../integration/webhook/endpoint.ts'
import type { AccountBudget, Counts, Quarantine, TokenTimes } from './store.ts'
import { webhookJson } from './webhook/webhook-json.ts'
import type { WebhookState } from './webhook/state-store.ts'

export const IntegrationQuery = z.object({
  status: z
    .enum(['pending', 'active', 'paused', 'errored', 'disconnected'], {
      error: 'expected pending, active, paused, errored or disconnected',
    })
    .optional(),
})

/** Everything that is shown of an integration, read at one instant. */
export interface Overview {
  readonly integration: Integration
  readonly cursor: Cursor | undefined
  readonly backfill: Run | undefined
  readonly lastRun: Run | undefined
  readonly lastSlot: DateTime | null
  readonly nextSlot: DateTime | null
  readonly webhook: WebhookState
  readonly token: TokenTimes | undefined
  readonly counts: Counts
  readonly quarantine: Quarantine
  readonly budget: AccountBudget | undefined
  readonly quotaShare: number
  readonly disconnection: Disconnection | undefined
  readonly now: DateTime
}

export interface Shown {
  readonly publicUrl: string
  readonly minuteMs: number
}

export function integrationJson(overview: Overview, { publicUrl, minuteMs }: Shown) {
  const { integration, token, budget, quotaShare, now } = overview
  return {
    id: integration.id,
    workspace_id: integration.workspaceId,
    subdomain: integration.subdomain,
    status: integration.status,
    status_since: integration.statusSince.toISO(),
    error: errorJson(integration),
    reconnect_required: needsReconnect(integration),
    connected_at: integration.connectedAt?.toISO() ?? null,
    ...(overview.disconnection !== undefined && endJson(overview.disconnection)),
    careful_until: integration.carefulUntil?.toISO() ?? null,
    webhook: webhookJson(overview.webhook, webhookEndpoint(publicUrl, integration.id)),
    token: token === undefined || integration.status === 'disconnected' ? null : tokenJson(token),
    sync: syncJson(overview),
    backfill: backfillJson(overview),
    counts: countsJson(overview.counts),
    hints: hintsJson(overview.counts, now),
    quota: {
      limit_per_minute: budget?.limitPerMinute ?? null,
      our_share: quotaShare,
      used_last_minute: budget === undefined ? 0 : usedLastMinute(budget, now, minuteMs),
    },
  }
}

function errorJson({ error, statusSince }: Integration) {
  if (error === null) return null
  const { code, message } = error
  return { code, message, since: statusSince.toISO(), action: actionFor(code) }
}

function tokenJson({ expiresAt, refreshExpiresAt, refreshedAt }: TokenTimes) {
  return {
    expires_at: expiresAt?.toISO() ?? null,
    refresh_expires_at: refreshExpiresAt?.toISO() ?? null,
    refreshed_at: refreshedAt.toISO(),
  }
}

function syncJson({ cursor, lastRun, lastSlot, nextSlot, quarantine, now }: Overview) {
  const cursorAt = cursor?.generatedAt ?? null
  return {
    cursor_at: cursorAt?.toISO() ?? null,
    lag_seconds:
      cursorAt === null ? null : Math.max(0, Math.round(now.diff(cursorAt).as('seconds'))),
    last_slot: lastSlot?.toISO() ?? null,
    next_slot: nextSlot?.toISO() ?? null,
    last_run: lastRun === undefined ? null : runJson(lastRun, now, quarantine),
  }
}

function backfillJson({ backfill, now }: Overview) {
  if (backfill === undefined) return null
  const { state, windowFrom, ledger } = backfill
  return {
    state: state === 'done' || state === 'failed' ? state : 'running',
    from: windowFrom.toISO(),
    progress: progressOf(backfill),
    tickets_seen: ledger.seen,
    eta_seconds: etaSeconds(backfill, now),
    bounded_by: boundOf(backfill, now),
  }
}

function countsJson(counts: Counts) {
  const { published, filtered, noPublicComments, gone, quarantined, retracted } = counts
  return {
    tickets_seen: published + filtered + noPublicComments + gone + quarantined,
    published,
    filtered,
    no_public_comments: noPublicComments,
    retracted,
    quarantined,
    hints_pending: counts.hintsPending,
  }
}

function hintsJson({ hintsPending, hintsPendingSince: since }: Counts, now: DateTime) {
  return {
    pending: hintsPending,
    pending_since: since?.toISO() ?? null,
    oldest_age_seconds: since === null ? 0 : Math.max(0, Math.round(now.diff(since).as('seconds'))),
  }
}

/** The budget keeps what each slot of a minute was granted, newest first, up to its `slot`. */
export function usedLastMinute(budget: AccountBudget, now: DateTime, minuteMs: number): number {
  const slotNow = Math.floor(now.toMillis() / (minuteMs / SLOTS_A_MINUTE))
  const passed = Math.max(0, slotNow - budget.slot)
  return budget.granted
    .slice(0, Math.max(0, SLOTS_A_MINUTE - passed))
    .reduce((sum, granted) => sum + granted, 0)
}
