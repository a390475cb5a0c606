import { z } from 'zod'
import type { RetractionReason } from '../../db/schema.ts'
import { IntegrationId, TicketId, WorkspaceId } from '../ids.ts'
import { StoredTicket, StoredTurn, type Transcript } from '../transcript/transcript.ts'

/** An entry to be: its number and its id are given when it is appended. */
export type NewEntry = {
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
  readonly revision: number
} & (
  | { readonly type: 'transcript.published'; readonly contentHash: string }
  | { readonly type: 'transcript.retracted'; readonly reason: RetractionReason }
)

/** One entry of the outbox, together with the text that it speaks of. */
export type Entry = Published | Erased | Retracted

interface EntryBase {
  readonly id: string
  readonly sequence: number
  /** `2026-01-01T00:00:00Z` */
  readonly publishedAt: string
  readonly workspaceId: WorkspaceId
  readonly integrationId: IntegrationId
  readonly subdomain: string
  readonly ticketId: TicketId
  readonly revision: number
}

interface Published extends EntryBase {
  readonly type: 'transcript.published'
  readonly contentHash: string
  readonly transcript: Transcript
}

/** A revision whose text was taken back and is erased. A later entry of the transcript is why. */
export interface Erased extends EntryBase {
  readonly type: 'transcript.published'
  readonly contentHash: string
  readonly transcript: null
}

interface Retracted extends EntryBase {
  readonly type: 'transcript.retracted'
  readonly reason: RetractionReason
}

/** One revision of a transcript with what its publication says of it. */
export type PublishedRevision = Pick<
  Published,
  'subdomain' | 'ticketId' | 'revision' | 'contentHash' | 'transcript'
>

/** The text columns of a revision. */
export const StoredTranscript = z.object({ ticket: StoredTicket, turns: z.array(StoredTurn) })

export interface EntryRow {
  readonly id: string
  readonly workspaceId: string
  readonly sequence: number
  readonly type: Entry['type']
  readonly reason: RetractionReason | null
  readonly integrationId: string
  readonly ticketId: number
  readonly revision: number
  readonly contentHash: string | null
  readonly publishedAt: string
  readonly subdomain: string
  readonly ticket: unknown
  readonly turns: unknown
}

export function toEntry(row: EntryRow): Entry {
  const base = {
    id: row.id,
    sequence: row.sequence,
    publishedAt: row.publishedAt,
    workspaceId: WorkspaceId.parse(row.workspaceId),
    integrationId: IntegrationId.parse(row.integrationId),
    subdomain: row.subdomain,
    ticketId: TicketId.parse(row.ticketId),
    revision: row.revision,
  }
  const { reason, contentHash } = row
  if (reason !== null) return { ...base, type: 'transcript.retracted', reason }
  if (contentHash === null) throw new Error(`outbox entry ${row.id} has neither hash nor reason`)
  const transcript =
    row.turns === null ? null : StoredTranscript.parse({ ticket: row.ticket, turns: row.turns })
  return { ...base, type: 'transcript.published', contentHash, transcript }
}

/** Whether the text that it speaks of is erased. */
export function isErased(entry: Entry): entry is Erased {
  return entry.type === 'transcript.published' && entry.transcript === null
}
