import { z } from 'zod'
import type {
  DeliveryState,
  HintClass,
  HintOutcome,
  RetractionReason,
  TicketOutcome,
} from '../../../db/schema.ts'
import type { PublicationType } from '../../outbox/sink/terms.ts'
import type { FilterRule } from '../../workspace/filter.ts'
import type { TranscriptState } from '../explain/explain-store.ts'
import { IntegrationId, PublicationId, TicketId } from '../../ids.ts'
import { Conversation } from '../../outbox/publication-schema.ts'
import { Count, Instant, wordsOf } from '../../platform/http/openapi/operation.ts'
import { filterFields } from './workspace-answers.ts'

const SeenTicket = z.strictObject({
  generated_at: Instant,
  updated_at: Instant,
  settled_at: Instant,
  status: z.string(),
  tags: z.array(z.string()),
  group_id: z.int().nullable(),
  comment_count: Count.nullable(),
  outcome: wordsOf<TicketOutcome>({
    published: true,
    filtered: true,
    no_public_comments: true,
    gone: true,
    quarantined: true,
  }),
  reason: z.string().nullable(),
  retry_at: Instant.nullable(),
})

const Delivery = z.strictObject({
  sink: z.string(),
  state: wordsOf<DeliveryState>({ pending: true, delivered: true, superseded: true, dead: true }),
  attempts: Count,
  next_attempt_at: Instant.nullable(),
  outcome: z.string().nullable(),
  settled_at: Instant.nullable(),
})

const Revision = z.strictObject({
  revision: Count,
  publication_id: PublicationId,
  sequence: z.string(),
  type: wordsOf<PublicationType>({ 'transcript.published': true, 'transcript.retracted': true }),
  reason: wordsOf<RetractionReason>({
    deleted: true,
    filtered: true,
    no_public_comments: true,
    disconnected: true,
  }).nullable(),
  published_at: Instant,
  text_stored: z.boolean(),
  deliveries: z.array(Delivery),
})

const Hint = z.strictObject({
  type: z.string(),
  class: wordsOf<HintClass>({ content: true, privacy: true }),
  occurred_at: Instant,
  received_at: Instant,
  looks: Count,
  due_at: Instant.nullable(),
  settled_at: Instant.nullable(),
  outcome: wordsOf<HintOutcome>({ confirmed: true, fetched: true, moot: true }).nullable(),
})

const FilterTrace = z.strictObject({
  in_scope: z.boolean().nullable(),
  rule: wordsOf<FilterRule>({
    include_tags: true,
    exclude_tags: true,
    include_group_ids: true,
  }).nullable(),
  why: z.string().nullable(),
  applied: z.boolean(),
  ...filterFields,
})

/** Why a ticket is or is not published. */
export const ExplanationJson = z
  .strictObject({
    integration_id: IntegrationId,
    ticket_id: TicketId,
    published: z.boolean(),
    because: z.array(z.string()),
    last_seen: SeenTicket.nullable(),
    filter: FilterTrace,
    transcript: z
      .strictObject({
        id: Conversation.id,
        state: wordsOf<TranscriptState['state']>({ live: true, retracted: true }),
        revision: Count,
        content_hash: z.string(),
        changed_at: Instant,
      })
      .nullable(),
    revisions: z.array(Revision),
    hints: z.array(Hint),
  })
  .meta({ id: 'Explanation' })

const Requests = z.strictObject({ account: Count, incremental: Count, comments: Count })
const KeptOut = z.strictObject({
  include_tags: Count,
  exclude_tags: Count,
  include_group_ids: Count,
})

/** What filters or a window would do. */
export const PreviewJson = z
  .strictObject({
    ...filterFields,
    tickets_known: Count,
    to_fetch: Count,
    to_retract: z.strictObject({ filtered: Count }),
    kept_out: KeptOut,
    window: z
      .strictObject({
        days: Count,
        from: Instant,
        stored_from: Instant,
        tickets: Count,
        to_fetch: Count,
        kept_out: KeptOut,
        estimated: z.boolean(),
        requests: Requests,
        minutes: z.number(),
      })
      .nullable(),
    requests: Requests,
    minutes: z.number(),
    transcripts: z.array(z.strictObject(Conversation)).max(3),
  })
  .meta({ id: 'Preview' })
