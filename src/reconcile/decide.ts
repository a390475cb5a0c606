import type { RetractionReason, TicketOutcome } from '../../db/schema.ts'
import type { Ledger } from '../run/ledger.ts'
import type { KnownTicket } from '../ticket/store.ts'
import { buildTranscript } from '../transcript/build-transcript.ts'
import { contentHash } from '../transcript/content-hash.ts'
import type { Transcript } from '../transcript/transcript.ts'
import { type Filters, inScope } from '../workspace/filter.ts'
import type { ExportedTicket, TicketComments } from '../zendesk/types.ts'

/** What becomes of one ticket, as it will be written. */
export type Change =
  | { readonly kind: 'unchanged'; readonly ticket: ExportedTicket; readonly outcome: TicketOutcome }
  | {
      readonly kind: 'published'
      readonly ticket: ExportedTicket
      readonly revision: number
      readonly contentHash: string
      readonly transcript: Transcript
    }
  | {
      readonly kind: 'filtered' | 'no_public_comments' | 'gone'
      readonly ticket: ExportedTicket
      /** Set if a live transcript is to be taken back. */
      readonly retraction: Retraction | null
    }
  | { readonly kind: 'quarantined'; readonly ticket: ExportedTicket; readonly reason: string }

export interface Retraction {
  readonly revision: number
  readonly reason: RetractionReason
}

/** Either the row alone decides, or the comments have to be read. */
export type Verdict =
  | { readonly kind: 'settled'; readonly change: Change }
  | { readonly kind: 'comments needed' }

/** Judges a row of the export by itself: it costs no request. */
export function judge(
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
  filters: Filters,
): Verdict {
  if (ticket.status.toLowerCase() === 'deleted') return settled(absent('gone', ticket, known))
  if (!inScope(filters, ticket).inScope) return settled(absent('filtered', ticket, known))
  if (known !== undefined && isSettled(ticket, known)) {
    return settled({ kind: 'unchanged', ticket, outcome: known.outcome })
  }
  if (ticket.isPublic === false) return settled(absent('no_public_comments', ticket, known))
  return { kind: 'comments needed' }
}

/** Decides on what the comments endpoint said; null is its 404. */
export function decide(
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
  read: TicketComments | null,
): Change {
  if (read === null) return absent('gone', ticket, known)
  if (read.comments.length === 0) return absent('no_public_comments', ticket, known)
  const transcript = buildTranscript(ticket, read)
  const hash = contentHash(transcript)
  if (known?.transcript?.isLive === true && known.transcript.contentHash === hash) {
    return { kind: 'unchanged', ticket, outcome: 'published' }
  }
  const revision = (known?.transcript?.revision ?? 0) + 1
  return { kind: 'published', ticket, revision, contentHash: hash, transcript }
}

/** The ledger's line for a list of changes. */
export function ledgerOf(changes: readonly Change[]): Ledger {
  const count = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).length
  return {
    seen: changes.length,
    published: count('published'),
    unchanged: count('unchanged'),
    filtered: count('filtered'),
    noPublicComments: count('no_public_comments'),
    gone: count('gone'),
    quarantined: count('quarantined'),
    retracted: changes.filter((change) => 'retraction' in change && change.retraction !== null)
      .length,
  }
}

/**
 * A row that we settled in just this state before, or a page from before the state that we know: a
 * repeated page. What was filtered or set aside then is not settled: filters and luck change.
 */
function isSettled(ticket: ExportedTicket, known: KnownTicket): boolean {
  return (
    known.outcome !== 'filtered' &&
    known.outcome !== 'quarantined' &&
    ticket.generatedAt <= known.generatedAt &&
    ticket.updatedAt <= known.updatedAt
  )
}

const retractionReasons = {
  gone: 'deleted',
  filtered: 'filtered',
  no_public_comments: 'no_public_comments',
} as const satisfies Record<string, RetractionReason>

function absent(
  kind: 'filtered' | 'no_public_comments' | 'gone',
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
): Change {
  const transcript = known?.transcript
  const retraction = transcript?.isLive
    ? { revision: transcript.revision + 1, reason: retractionReasons[kind] }
    : null
  return { kind, ticket, retraction }
}

function settled(change: Change): Verdict {
  return { kind: 'settled', change }
}
