import { z } from 'zod'
import type { RetractionReason } from '../../db/schema.ts'
import { IntegrationId, PublicationId, TicketId, WorkspaceId } from '../ids.ts'
import { Count, Instant, wordsOf } from '../platform/http/openapi/operation.ts'
import { StoredTicket, StoredTurn } from '../transcript/transcript.ts'

/** The shapes of what readers and receivers get, as they are documented. */
const { comment_id, role, speaker, at, text, attachments } = StoredTurn.shape
const Turn = z.strictObject({ comment_id, role, speaker, at, text, attachments })

/** What a transcript says. */
export const Conversation = {
  id: z.string().meta({ description: 'zendesk:{subdomain}:{ticket}' }),
  ticket: z.strictObject({ id: TicketId, url: z.url(), ...StoredTicket.shape }),
  turns: z.array(Turn),
  text: z.string(),
}

export const PublishedTranscriptJson = z
  .strictObject({
    ...Conversation,
    schema_version: z.literal(1),
    revision: Count,
    content_hash: z.string(),
    source: z.literal('zendesk'),
  })
  .meta({ id: 'Transcript' })

const envelope = {
  id: PublicationId,
  sequence: z.string(),
  published_at: Instant,
  workspace_id: WorkspaceId,
  integration_id: IntegrationId,
}

const Published = z.strictObject({
  ...envelope,
  type: z.literal('transcript.published'),
  transcript: PublishedTranscriptJson,
})

const ErasedTranscriptJson = z.strictObject({
  ...PublishedTranscriptJson.shape,
  ticket: z.strictObject({
    id: TicketId,
    url: z.url(),
    subject: z.null(),
    status: z.null(),
    priority: z.null(),
    type: z.null(),
    tags: z.array(z.string()).max(0),
    group_id: z.null(),
    channel: z.null(),
    created_at: z.null(),
    updated_at: z.null(),
  }),
  turns: z.array(Turn).max(0),
  text: z.literal(''),
})

const Erased = z.strictObject({
  ...envelope,
  type: z.literal('transcript.published'),
  erased: z.literal(true).meta({ description: 'what this revision said was taken back later' }),
  transcript: ErasedTranscriptJson,
})

const Retracted = z.strictObject({
  ...envelope,
  type: z.literal('transcript.retracted'),
  reason: wordsOf<RetractionReason>({
    deleted: true,
    filtered: true,
    no_public_comments: true,
    disconnected: true,
  }),
  transcript: z.strictObject({
    id: Conversation.id,
    revision: Count,
    ticket: z.strictObject({ id: TicketId }),
  }),
})

export const PublicationJson = z.union([Published, Erased, Retracted]).meta({ id: 'Publication' })
