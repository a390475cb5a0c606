import { z } from 'zod'
import type {
  IntegrationStatus,
  Release,
  RunKind,
  RunState,
  WebhookProblem,
} from '../../../db/schema.ts'
import type { IntegrationErrorCode } from '../../platform/errors.ts'
import type { Bound as BoundedBy } from '../../platform/held-time.ts'
import type { WebhookState } from '../webhook/state-store.ts'
import { IntegrationId, RunId, Subdomain, WorkspaceId } from '../../ids.ts'
import { Count, Instant, wordsOf } from '../../platform/http/openapi/operation.ts'
import { RunPlan } from '../../run/plan.ts'

const Seconds = z.number().nonnegative()
const Bound = wordsOf<BoundedBy>({ zendesk_limit: true, quota_share: true, database: true })
const Failure = z.strictObject({ code: z.string(), message: z.string() })

const Quarantine = z.strictObject({
  tickets: Count,
  next_try_at: Instant.nullable(),
  reasons: z.array(z.strictObject({ reason: z.string(), tickets: Count })),
})

const Ledger = z.strictObject({
  tickets_seen: Count,
  published: Count,
  unchanged: Count,
  filtered: Count,
  no_public_comments: Count,
  gone: Count,
  quarantined: Count,
  retracted: Count,
  unaccounted: z.int(),
  closes: z.boolean(),
})

const Waits = z.strictObject({
  total_seconds: Seconds,
  zendesk_limit_seconds: Seconds,
  quota_share_seconds: Seconds,
  database_seconds: Seconds,
  failure_seconds: Seconds,
  last: z.array(
    z.strictObject({
      reason: z.string(),
      bounded_by: Bound.nullable(),
      from: Instant,
      until: Instant,
      seconds: Seconds.nullable(),
    }),
  ),
})

export const RunJson = z
  .strictObject({
    id: RunId,
    integration_id: IntegrationId,
    kind: wordsOf<RunKind>({ backfill: true, sync: true, hints: true }),
    slot: Instant.nullable(),
    state: wordsOf<RunState>({
      queued: true,
      running: true,
      waiting: true,
      done: true,
      failed: true,
    }),
    window_from: Instant,
    created_at: Instant,
    started_at: Instant.nullable(),
    finished_at: Instant.nullable(),
    wait_reason: z.string().nullable(),
    attempts: Count,
    pages: Count,
    progress: z.number().min(0).max(1),
    eta_seconds: Seconds.nullable(),
    bounded_by: Bound.nullable(),
    running_seconds: Seconds,
    tickets_per_second: z.number().nullable(),
    amber: z.array(z.string()),
    ledger: Ledger,
    hints: z.strictObject({ confirmed: Count, fetched: Count, moot: Count }),
    requests: z.record(z.string(), Count),
    waits: Waits,
    plan: RunPlan,
    drift: z.strictObject({ sampled: Count, found: Count }),
    error: Failure.nullable(),
    quarantine: Quarantine.optional(),
  })
  .meta({ id: 'Run' })

export const StartedRunJson = z.strictObject({ run_id: RunId })

const Webhook = z.strictObject({
  state: wordsOf<WebhookState['state']>({ provisioned: true, manual: true, missing: true }),
  endpoint: z.url(),
  last_received_at: Instant.nullable(),
  checked_at: Instant.nullable(),
  problem: Failure.extend({
    code: wordsOf<WebhookProblem>({
      scope_missing: true,
      forbidden: true,
      limit_reached: true,
      rejected: true,
      token_refused: true,
      unavailable: true,
      failing: true,
      circuit_broken: true,
    }),
  }).nullable(),
  silent_share: z.number().nullable(),
})

const Token = z.strictObject({
  expires_at: Instant.nullable(),
  refresh_expires_at: Instant.nullable(),
  refreshed_at: Instant,
})

const Sync = z.strictObject({
  cursor_at: Instant.nullable(),
  lag_seconds: Seconds.nullable(),
  last_slot: Instant.nullable(),
  next_slot: Instant.nullable(),
  last_run: RunJson.nullable(),
})

const Backfill = z.strictObject({
  state: z.enum(['running', 'done', 'failed']),
  from: Instant,
  progress: z.number().min(0).max(1),
  tickets_seen: Count,
  eta_seconds: Seconds.nullable(),
  bounded_by: Bound.nullable(),
})

const Counts = z.strictObject({
  tickets_seen: Count,
  published: Count,
  filtered: Count,
  no_public_comments: Count,
  retracted: Count,
  quarantined: Count,
  hints_pending: Count,
})

const Disconnection = z.strictObject({
  requested_at: Instant,
  purge: z.boolean(),
  release: wordsOf<Release>({ pending: true, done: true, given_up: true }),
  release_attempts: Count,
  cleared_at: Instant.nullable(),
  finished_at: Instant.nullable(),
  action: z.string().nullable(),
})

const Erasure = z.strictObject({
  requested_at: Instant,
  retracted_at: Instant.nullable(),
  finished_at: Instant.nullable(),
  transcripts: Count,
  revisions: Count,
  tickets: Count,
  hints: Count,
  hash: z.string().nullable(),
})

const IntegrationError = Failure.extend({
  code: wordsOf<IntegrationErrorCode>({
    credentials_revoked: true,
    refresh_token_missing: true,
    refresh_token_expired: true,
    role_insufficient: true,
    scope_insufficient: true,
    client_rejected: true,
    account_changed: true,
    zendesk_shape: true,
  }),
  since: Instant,
  action: z.string(),
})

export const IntegrationJson = z
  .strictObject({
    id: IntegrationId,
    workspace_id: WorkspaceId,
    subdomain: Subdomain,
    status: wordsOf<IntegrationStatus>({
      pending: true,
      active: true,
      paused: true,
      errored: true,
      disconnected: true,
    }),
    status_since: Instant,
    error: IntegrationError.nullable(),
    reconnect_required: z.boolean(),
    connected_at: Instant.nullable(),
    disconnection: Disconnection.optional(),
    erasure: Erasure.nullable().optional(),
    careful_until: Instant.nullable(),
    webhook: Webhook,
    token: Token.nullable(),
    sync: Sync,
    backfill: Backfill.nullable(),
    counts: Counts,
    hints: z.strictObject({
      pending: Count,
      pending_since: Instant.nullable(),
      oldest_age_seconds: Seconds,
    }),
    quota: z.strictObject({
      limit_per_minute: Count.nullable(),
      our_share: z.number(),
      used_last_minute: Count,
    }),
  })
  .meta({ id: 'Integration' })
