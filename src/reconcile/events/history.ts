import type { DateTime } from 'luxon'
import type { KnownTicket } from '../../ticket/store.ts'
import type { StoredTurn } from '../../transcript/transcript.ts'
import type { ExportedTicket, PublicComment, TicketComments } from '../../zendesk/types.ts'
import { type StagedEvent, toPublicComment } from './staged.ts'

/**
 * The time between the moment for which a ticket's row speaks and the moment at which it was settled,
 * at most: a page is worked on for minutes, and clocks differ.
 */
export const SETTLING_MS = 3_600_000

/**
 * Whether the conversation of a ticket is known from its start if one knows all events since
 * `wholeSince`: it was created since, or what we have of it was settled since. What was filtered, gone
 * or set aside was not read then.
 */
export function canBeWhole(
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
  wholeSince: DateTime,
): boolean {
  if (ticket.commentCount === null) return false
  if (known === undefined) return ticket.createdAt >= wholeSince
  if (known.commentCount === null || !isRead(known)) return false
  return known.settledAt.toMillis() >= wholeSince.toMillis() + SETTLING_MS
}

function isRead({ outcome, transcript }: KnownTicket): boolean {
  return outcome === 'published' ? transcript?.isLive === true : outcome === 'no_public_comments'
}

/**
 * The events that have not gone into what is stored, if they explain the row of a ticket: there is at
 * least one, each is of a kind that we can read, the newest is what last changed the ticket, and the
 * comments that they wrote are as many as Zendesk has counted since. Otherwise undefined: only the
 * comments endpoint can tell.
 */
export function newEvents(
  ticket: ExportedTicket,
  known: KnownTicket | undefined,
  staged: readonly StagedEvent[],
): readonly StagedEvent[] | undefined {
  const since = known?.generatedAt.toMillis() ?? -Infinity
  const fresh = staged.filter(({ at }) => at.toMillis() > since)
  if (fresh.length === 0 || fresh.some(({ mustConfirm }) => mustConfirm)) return undefined
  const shown = fresh.filter(({ at }) => at <= ticket.generatedAt)
  const written = shown.reduce((sum, { commentCount }) => sum + commentCount, 0)
  const counted = (known?.commentCount ?? 0) + written
  return reachUpdate(ticket, shown) && counted === ticket.commentCount ? fresh : undefined
}

/** Seconds are cut off in one place and rounded in another. */
const INEXACT_MS = 5_000

/**
 * Whether the events go as far as the ticket's last change: the stream could lag behind the export,
 * and what it does not show yet could be a comment made private. The only comment of a ticket is what
 * the ticket itself says that it is.
 */
function reachUpdate(ticket: ExportedTicket, shown: readonly StagedEvent[]): boolean {
  if (shown.length === 0) return false
  if (ticket.commentCount === 1 && ticket.isPublic === true) return true
  const newest = Math.max(...shown.map(({ at }) => at.toMillis()))
  return newest + INEXACT_MS >= ticket.updatedAt.toMillis()
}

/** The public comments of a ticket: those that are stored and those that came since, each once. */
export function commentsOf(
  turns: readonly StoredTurn[],
  fresh: readonly StagedEvent[],
): readonly PublicComment[] {
  const comments = new Map<number, PublicComment>()
  for (const turn of [...turns, ...fresh.flatMap((event) => event.comments)]) {
    comments.set(turn.comment_id, toPublicComment(turn))
  }
  return [...comments.values()]
}

/** The authors among whom there may be staff. */
export function authorsOf(comments: readonly PublicComment[]): number[] {
  const ids = comments.flatMap(({ authorId }) =>
    authorId !== null && authorId > 0 ? authorId : [],
  )
  return [...new Set(ids)]
}

/** In the form of the comments endpoint, so that both ways lead to the same transcript. */
export function asRead(
  comments: readonly PublicComment[],
  staff: ReadonlySet<number>,
): TicketComments {
  const staffIds = new Set(authorsOf(comments).filter((id) => staff.has(id)))
  return { comments, privateCount: 0, staffIds }
}
