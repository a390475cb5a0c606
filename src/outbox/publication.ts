import type { RetractionReason } from '../../db/schema.ts'
import type { Role, StoredTicket, StoredTurn } from '../transcript/transcript.ts'
import { type Entry, type Erased, type PublishedRevision, isErased } from './entry.ts'

/** A publication as readers and receivers get it. */
export type Publication = {
  readonly id: string
  readonly type: Entry['type']
  readonly sequence: string
  readonly published_at: string
  readonly workspace_id: string
  readonly integration_id: string
} & (
  | { readonly type: 'transcript.published'; readonly transcript: PublishedTranscript }
  | {
      readonly type: 'transcript.published'
      readonly erased: true
      readonly transcript: ErasedTranscript
    }
  | {
      readonly type: 'transcript.retracted'
      readonly reason: RetractionReason
      readonly transcript: RetractedTranscript
    }
)

export interface RetractedTranscript {
  readonly id: string
  readonly revision: number
  readonly ticket: { readonly id: number }
}

export type PublishedTurn = Omit<StoredTurn, 'public' | 'author_id'>

export interface PublishedTranscript {
  readonly id: string
  readonly schema_version: 1
  readonly revision: number
  readonly content_hash: string
  readonly source: 'zendesk'
  readonly ticket: { readonly id: number; readonly url: string } & StoredTicket
  readonly turns: readonly PublishedTurn[]
  readonly text: string
}

/** All that is left of a revision whose text was taken back: its place in the transcript's history. */
export type ErasedTranscript = Omit<PublishedTranscript, 'ticket'> & {
  readonly ticket: Pick<PublishedTranscript['ticket'], 'id' | 'url'> & typeof NOTHING_KNOWN
}

export function toPublication(entry: Entry): Publication {
  const { id } = entry
  const envelope = {
    sequence: String(entry.sequence),
    published_at: entry.publishedAt,
    workspace_id: entry.workspaceId,
    integration_id: entry.integrationId,
  }
  if (isErased(entry)) {
    return {
      id,
      type: entry.type,
      ...envelope,
      erased: true,
      transcript: toErasedTranscript(entry),
    }
  }
  if (entry.type === 'transcript.published') {
    return { id, type: entry.type, ...envelope, transcript: toPublishedTranscript(entry) }
  }
  return {
    id,
    type: entry.type,
    ...envelope,
    reason: entry.reason,
    transcript: {
      id: transcriptId(entry),
      revision: entry.revision,
      ticket: { id: entry.ticketId },
    },
  }
}

export function toPublishedTranscript(revision: PublishedRevision): PublishedTranscript {
  const { ticketId, transcript } = revision
  return {
    id: transcriptId(revision),
    schema_version: 1,
    revision: revision.revision,
    content_hash: revision.contentHash,
    source: 'zendesk',
    ticket: { id: ticketId, url: ticketUrl(revision), ...transcript.ticket },
    turns: transcript.turns.map(toPublishedTurn),
    text: renderText(transcript.turns),
  }
}

function toErasedTranscript(entry: Erased): ErasedTranscript {
  return {
    id: transcriptId(entry),
    schema_version: 1,
    revision: entry.revision,
    content_hash: entry.contentHash,
    source: 'zendesk',
    ticket: { id: entry.ticketId, url: ticketUrl(entry), ...NOTHING_KNOWN },
    turns: [],
    text: '',
  }
}

const NOTHING_KNOWN = {
  subject: null,
  status: null,
  priority: null,
  type: null,
  tags: [],
  group_id: null,
  channel: null,
  created_at: null,
  updated_at: null,
}

/** Names each field that goes out, so that one that is added to the row does not follow by itself. */
function toPublishedTurn(turn: StoredTurn): PublishedTurn {
  return {
    comment_id: turn.comment_id,
    role: turn.role,
    speaker: turn.speaker,
    at: turn.at,
    text: turn.text,
    attachments: turn.attachments,
  }
}

type Key = Pick<Entry, 'subdomain' | 'ticketId'>

function transcriptId({ subdomain, ticketId }: Key): string {
  return `zendesk:${subdomain}:${ticketId}`
}

function ticketUrl({ subdomain, ticketId }: Key): string {
  return `https://${subdomain}.zendesk.com/agent/tickets/${ticketId}`
}

const names: Readonly<Record<Role, string>> = {
  customer: 'Customer',
  agent: 'Agent',
  system: 'System',
}

function renderText(turns: readonly StoredTurn[]): string {
  return turns.map((turn) => `${names[turn.role]}: ${turn.text}`).join('\n\n')
}
