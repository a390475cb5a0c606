import { z } from 'zod'
import type * as rows from '../../../db/schema.ts'
import type { PublicationType as Type } from '../../outbox/sink/terms.ts'
import { IntegrationId, PublicationId, SinkId, TicketId, WorkspaceId } from '../../ids.ts'
import { Attempt } from '../../outbox/delivery/attempt.ts'
import { Count, Instant, wordsOf } from '../../platform/http/openapi/operation.ts'

const Plan = wordsOf<rows.Plan>({ starter: true, pro: true, enterprise: true })
const SyncDay = wordsOf<rows.SyncDay>({
  monday: true,
  tuesday: true,
  wednesday: true,
  thursday: true,
  friday: true,
  saturday: true,
  sunday: true,
})
const Freshness = wordsOf<rows.Freshness>({ scheduled: true, prompt: true })

/** The filters of a workspace, as they are shown wherever they matter. */
export const filterFields = {
  zendesk_include_tags: z.array(z.string()),
  zendesk_exclude_tags: z.array(z.string()),
  zendesk_include_group_ids: z.array(z.int()),
}

export const WorkspaceJson = z
  .strictObject({
    id: WorkspaceId,
    plan: Plan,
    sync_day: SyncDay,
    ...filterFields,
    quota_share: z.number().nullable(),
    freshness: Freshness,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'Workspace' })

export const ScheduleJson = z
  .strictObject({
    workspace_id: WorkspaceId,
    plan: Plan,
    sync_day: SyncDay,
    sync_time_utc: z.string(),
    freshness: Freshness,
    why: z.string(),
    slots: z.array(z.strictObject({ at: Instant, why: z.string() })),
  })
  .meta({ id: 'Schedule' })

const PublicationType = wordsOf<Type>({
  'transcript.published': true,
  'transcript.retracted': true,
})
const SinkState = wordsOf<Exclude<rows.SinkState, 'deleted'>>({
  active: true,
  stopped: true,
  off: true,
})

const sinkFields = {
  id: SinkId,
  workspace_id: WorkspaceId,
  url: z.url(),
  types: z.array(PublicationType),
  all_revisions: z.boolean(),
  state: SinkState,
  state_reason: z.string().nullable(),
  state_since: Instant,
  failing_since: Instant.nullable(),
  held_until: Instant.nullable(),
  previous_secret_until: Instant.nullable(),
  replays: z.array(
    z.strictObject({
      position: z.string().meta({ description: 'the sequence that it has come to' }),
      through: z.string(),
      tickets: Count.nullable().meta({ description: 'how many were named; null: all' }),
      requested_at: Instant,
    }),
  ),
  created_at: Instant,
  updated_at: Instant,
}

export const SinkJson = z.strictObject(sinkFields).meta({ id: 'Sink' })

export const MadeSinkJson = z
  .strictObject({
    ...sinkFields,
    secret: z
      .string()
      .optional()
      .meta({ description: 'made for the new sink, and shown this once' }),
  })
  .meta({ id: 'MadeSink' })

export const PublicationStateJson = z
  .strictObject({
    id: PublicationId,
    type: PublicationType,
    reason: wordsOf<rows.RetractionReason>({
      deleted: true,
      filtered: true,
      no_public_comments: true,
      disconnected: true,
    }).nullable(),
    sequence: z.string(),
    published_at: Instant,
    workspace_id: WorkspaceId,
    integration_id: IntegrationId,
    ticket_id: TicketId,
    revision: Count,
    newest: z.boolean(),
    erased: z.boolean(),
    deliveries: z.array(
      z.strictObject({
        sink_id: z.string(),
        sink_state: SinkState,
        state: wordsOf<rows.DeliveryState>({
          pending: true,
          delivered: true,
          superseded: true,
          dead: true,
        }),
        replayed: z.boolean(),
        attempts: Count,
        outcome: z.string().nullable(),
        next_attempt_at: Instant.nullable(),
        settled_at: Instant.nullable(),
        history: z.array(Attempt),
      }),
    ),
  })
  .meta({ id: 'PublicationState' })

export const RedriveJson = z.strictObject({
  publication_id: PublicationId,
  sinks: z.array(z.string()),
})

export const ReplayJson = z.strictObject({
  after: z.string(),
  through: z.string(),
  sinks: z.array(z.string()),
})
