import { z } from 'zod'
import { IntegrationId } from '../../ids.ts'
import { Count, Instant } from '../../platform/http/openapi/operation.ts'

const Problem = z.strictObject({
  code: z.string(),
  message: z.string(),
  action: z.string(),
  count: Count,
  is_more: z.boolean(),
  integration_ids: z.array(IntegrationId),
  sinks: z.array(z.string()),
})

/** Counted up to a bound. */
const Some = z.strictObject({ count: Count, is_more: z.boolean() })

const Queue = z.strictObject({
  ready: Count,
  active: Count,
  failed: Count,
  is_more: z.boolean(),
  oldest_age_seconds: Count.nullable(),
})

const Waiting = z.strictObject({
  pending: Count,
  is_more: z.boolean(),
  oldest_at: Instant.nullable(),
  oldest_age_seconds: Count.nullable(),
})

/** The whole service on one page; what nobody knows while the database is away is null. */
export const StatusJson = z
  .strictObject({
    ok: z.boolean(),
    problems: z.array(Problem),
    version: z.string(),
    now: Instant,
    database: z.strictObject({
      reachable: z.boolean(),
      migrated: z.boolean().nullable(),
      size_bytes: Count.nullable(),
    }),
    slot_clock: z.strictObject({
      time_utc: z.string(),
      last_slot: Instant.nullable(),
      next_slot: Instant.nullable(),
    }),
    workers: z.strictObject({ alive: Count }).nullable(),
    queues: z.record(z.string(), Queue).nullable(),
    integrations: z
      .strictObject({
        pending: Count,
        active: Count,
        paused: Count,
        errored: Count,
        disconnected: Count,
      })
      .nullable(),
    runs: z
      .strictObject({
        queued: Count,
        running: Count,
        waiting: Count,
        is_more: z.boolean(),
        failed_last_day: Count,
      })
      .nullable(),
    hints: Waiting.nullable(),
    outbox: Waiting.nullable(),
    retries: z.strictObject({ runs: Count, deliveries: Count, tickets: Count }).nullable(),
    dead_publications: Some.nullable(),
    replays: Some.nullable(),
    quarantined: Some.nullable(),
    sinks: z.strictObject({ active: Count, failing: Count, stopped: Count, off: Count }).nullable(),
    webhooks: z.strictObject({ problems: z.record(z.string(), Count) }).nullable(),
  })
  .meta({ id: 'Status' })
