import type { RetractionReason } from '../../db/schema.ts'
import type { TicketId } from '../ids.ts'
import type { Role, StoredTicket, StoredTurn } from '../transcript/transcript.ts'
import type { Entry, PublishedRevision } from './entry.ts'

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

export function toPublication(entry: Entry): Publication {
  const { id, type } = entry
  const envelope = {
    sequence: String(entry.sequence),
    published_at: entry.publishedAt,
    workspace_id: entry.workspaceId,
    integration_id: entry.integrationId,
  }
  if (type === 'transcript.published') {
    return { id, type, ...envelope, transcript: toPublishedTranscript(entry) }
  }
  return {
    id,
    type,
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
  const { subdomain, ticketId, transcript } = revision
  return {
    id: transcriptId(revision),
    schema_version: 1,
    revision: revision.revision,
    content_hash: revision.contentHash,
    source: 'zendesk',
    ticket: {
      id: ticketId,
      url: `https://${subdomain}.zendesk.com/agent/tickets/${ticketId}`,
      ...transcript.ticket,
    },
    turns: transcript.turns.map(toPublishedTurn),
    text: renderText(transcript.turns),
  }
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

function transcriptId({ subdomain, ticketId }: { subdomain: string; ticketId: TicketId }): string {
  return `zendesk:${subdomain}:${ticketId}`
}

const names: Readonly<Record<Role, string>> = {
  customer: 'Customer',
  agent: 'Agent',
  system: 'System',
}

function renderText(turns: readonly StoredTurn[]): string {
  return turns.map((turn) => `${names[turn.role]}: ${turn.text}`).join('\n\n')
}
