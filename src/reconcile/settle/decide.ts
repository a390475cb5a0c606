import type { DateTime } from 'luxon'
import type { RetractionReason, TicketOutcome } from '../../../db/schema.ts'
import type { Ledger } from '../../run/ledger.ts'
import { fingerprint } from '../../ticket/fingerprint.ts'
import type { KnownTicket } from '../../ticket/store.ts'
import { buildTranscript } from '../../transcript/build-transcript.ts'
import { contentHash } from '../../transcript/content-hash.ts'
import { sizeOf } from '../../transcript/size.ts'
import type { Transcript } from '../../transcript/transcript.ts'
import { type Filters, inScope } from '../../workspace/filter.ts'
import type { ExportedTicket, TicketComments } from '../../zendesk/types.ts'

/** Postgres holds up to 256 MB in one array of a `jsonb`; no ticket seen in the wild comes near. */
const LARGEST_TRANSCRIPT_BYTES = 250_000_000

/** What becomes of one ticket, as it will be written. */
export type Change =
  | {
      readonly kind: 'unchanged'
      readonly ticket: ExportedTicket
      readonly outcome: TicketOutcome
      readonly reason: string | null
    }
  | {
      readonly kind: 'published'
      readonly ticket: ExportedTicket
      readonly revision: number
      readonly contentHash: string
      readonly transcript: Transcript
    }
  | {
      readonly kind: Absence
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

export interface Terms {
  readonly filters: Filters
  /** What was set aside since then is not tried again; null: all of it is. */
  readonly setAsideSince: DateTime | null
  /** Whether the ticket is looked at for a reason of its own, and not because the export showed it. */
  readonly isLook: boolean
  /** Whether a row that the export shows anew is read, even if it seems to tell nothing new. */
  readonly isCareful: boolean
  /** What was settled before is read again, even if its row has not changed. */
  readonly settledFrom?: DateTime
}

/** Judges a row of the export by itself: it costs no request. */
export function judge(
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
  { filters, setAsideSince, isLook, isCareful, settledFrom }: Terms,
): Verdict {
  const absence = absenceByRow(ticket, filters)
  const isNewer = known !== undefined && ticket.generatedAt > known.generatedAt
  const isOutdated =
    known !== undefined && settledFrom !== undefined && known.settledAt < settledFrom
  const isDoubted = settledFrom === undefined ? isCareful && isNewer : isOutdated
  if (
    !isLook &&
    !isDoubted &&
    known !== undefined &&
    isSettled(ticket, known, { absence, setAsideSince })
  ) {
    const { outcome, reason } = known
    return settled({ kind: 'unchanged', ticket, outcome, reason })
  }
  if (absence !== undefined) return settled(absent(absence, ticket, known))
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
  if (sizeOf(transcript) > LARGEST_TRANSCRIPT_BYTES) {
    return { kind: 'quarantined', ticket, reason: 'its public comments are more than 250 MB' }
  }
  const hash = contentHash(transcript)
  if (known?.transcript?.isLive === true && known.transcript.contentHash === hash) {
    return { kind: 'unchanged', ticket, outcome: 'published', reason: null }
  }
  const revision = (known?.transcript?.revision ?? 0) + 1
  return { kind: 'published', ticket, revision, contentHash: hash, transcript }
}

/** How far a transcript has come, and whether it was taken back. */
export interface Head {
  readonly revision: number
  readonly isLive: boolean
}

/** The same change of a transcript that readers know already: it goes on counting, or is taken back. */
export function goOnFrom(change: Change, published: Head): Change {
  switch (change.kind) {
    case 'published':
      return { ...change, revision: published.revision + 1 }
    case 'gone':
    case 'filtered':
    case 'no_public_comments':
      return { ...change, retraction: retractionOf(change.kind, published) }
    case 'unchanged':
    case 'quarantined':
      return change
    default:
      return change satisfies never
  }
}

/** Whether readers are told something. */
export function isNews(change: Change): boolean {
  return change.kind === 'published' || ('retraction' in change && change.retraction !== null)
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

/** Why a ticket has no transcript, as far as its row alone tells. */
type Absence = 'gone' | 'filtered' | 'no_public_comments'

function absenceByRow(ticket: ExportedTicket, filters: Filters): Absence | undefined {
  if (ticket.status.toLowerCase() === 'deleted') return 'gone'
  if (!inScope(filters, ticket).inScope) return 'filtered'
  return ticket.isPublic === false ? 'no_public_comments' : undefined
}

/**
 * A row that tells nothing new: of a state that we settled before, be it on a page that comes again
 * or because Zendesk touched the ticket for reasons of its own, or of an earlier state than the one
 * that we know. What was filtered or set aside then may not be settled: filters and luck change.
 */
function isSettled(
  ticket: ExportedTicket,
  known: KnownTicket,
  { absence, setAsideSince }: { absence: Absence | undefined; setAsideSince: DateTime | null },
): boolean {
  if (ticket.generatedAt < known.generatedAt) return true
  const isUpdated = ticket.updatedAt.toMillis() !== known.updatedAt.toMillis()
  if (isUpdated || fingerprint(ticket) !== known.fingerprint) return false
  if (absence !== undefined) return known.outcome === absence
  if (known.outcome === 'filtered') return false
  if (known.outcome !== 'quarantined') return true
  return setAsideSince !== null && known.settledAt >= setAsideSince
}

const retractionReasons = {
  gone: 'deleted',
  filtered: 'filtered',
  no_public_comments: 'no_public_comments',
} as const satisfies Record<Absence, RetractionReason>

function absent(kind: Absence, ticket: ExportedTicket, known: KnownTicket | undefined): Change {
  return { kind, ticket, retraction: retractionOf(kind, known?.transcript) }
}

function retractionOf(kind: Absence, published: Head | null | undefined): Retraction | null {
  return published?.isLive === true
    ? { revision: published.revision + 1, reason: retractionReasons[kind] }
    : null
}

function settled(change: Change): Verdict {
  return { kind: 'settled', change }
}
