import type { Account } from './account.ts'
import { SYSTEM_AUTHOR } from './world/ids.ts'
import type { Comment } from './ticket/comment.ts'
import { commentCount, commentOf } from './ticket/comment.ts'
import { bodyOf } from './text/comment-text.ts'
import type { Ticket } from './ticket/ticket.ts'
import { isStaffId, isVanished, presentId } from './world/user.ts'

/** Lists as a workspace sets them: tags compare case-insensitively, empty lists let all pass. */
export interface OracleFilter {
  readonly from: Date
  readonly includeTags?: readonly string[]
  readonly excludeTags?: readonly string[]
  readonly includeGroupIds?: readonly number[]
}

export interface ExpectedTranscript {
  readonly ticketId: number
  readonly subject: string
  readonly tags: readonly string[]
  readonly comments: readonly ExpectedComment[]
}

export interface ExpectedComment {
  readonly id: number
  /** `null` when a redaction took the token as well. */
  readonly publicToken: string | null
  readonly role: 'customer' | 'agent' | 'system'
  /** Zendesk no longer tells who the author is, so a reader cannot know the role. */
  readonly isAuthorMissing: boolean
  /** ISO 8601, whole seconds. */
  readonly at: string
}

/** A text that was public once and must not be published any more. */
export interface WithdrawnText {
  readonly ticketId: number
  readonly commentId: number
  readonly text: string
}

/**
 * The truth to compare with: each ticket that changed since `from` (by `generated_timestamp`), is
 * not deleted, passes the filter and has a public comment, with exactly its public comments as they
 * are now. The export's hidden last minute does not hide anything here.
 */
export function* expectedTranscripts(
  account: Account,
  filter: OracleFilter,
): Iterable<ExpectedTranscript> {
  const from = Math.ceil(filter.from.getTime() / 1000)
  for (const ticket of account.tickets.after(from, 0)) {
    if (ticket.deletion !== 'none' || !isInScope(ticket, filter)) continue
    const comments = publicComments(account, ticket)
    if (comments.length === 0) continue
    yield {
      ticketId: ticket.id,
      subject: ticket.subject,
      tags: ticket.tags,
      comments: comments.map((comment) => expectedComment(account, ticket, comment)),
    }
  }
}

/** What was public before a mutation took it back: made private, redacted, deleted. */
export function* withdrawnTexts(account: Account): Iterable<WithdrawnText> {
  const { world, overlay } = account.tickets
  for (const ticket of overlay.tickets.values()) {
    for (let index = 0; index < commentCount(ticket); index++) {
      const comment = commentOf(world, ticket, index)
      if (!comment.isBornPublic) continue
      const source = { ticketId: ticket.id, commentId: comment.id }
      for (const text of comment.edit?.redactions ?? []) yield { ...source, text }
      const isGone = ticket.deletion !== 'none' || !comment.isPublic
      if (isGone) yield { ...source, text: comment.token }
    }
  }
}

export function isInScope(
  ticket: { readonly tags: readonly string[]; readonly groupId: number | null },
  filter: Omit<OracleFilter, 'from'>,
): boolean {
  const tags = new Set(ticket.tags.map((tag) => tag.toLowerCase()))
  const shares = (list: readonly string[] | undefined): boolean =>
    list?.some((tag) => tags.has(tag.toLowerCase())) === true
  if ((filter.includeTags?.length ?? 0) > 0 && !shares(filter.includeTags)) return false
  if (shares(filter.excludeTags)) return false
  const groups = filter.includeGroupIds ?? []
  return groups.length === 0 || (ticket.groupId !== null && groups.includes(ticket.groupId))
}

function publicComments(account: Account, ticket: Ticket): Comment[] {
  const comments: Comment[] = []
  for (let index = 0; index < commentCount(ticket); index++) {
    const comment = commentOf(account.tickets.world, ticket, index)
    if (comment.isPublic) comments.push(comment)
  }
  return comments
}

function expectedComment(account: Account, ticket: Ticket, comment: Comment): ExpectedComment {
  const { authorId, token, edit } = comment
  const { users, world } = account.tickets
  const isSystem = authorId === SYSTEM_AUTHOR
  const isRedacted = (edit?.redactions.length ?? 0) > 0
  return {
    id: comment.id,
    publicToken: isRedacted && !bodyOf(ticket, comment).includes(token) ? null : token,
    role: isSystem ? 'system' : isStaffId(authorId) ? 'agent' : 'customer',
    isAuthorMissing: !isSystem && isVanished(world, users, presentId(users, authorId)),
    at: new Date(comment.at * 1000).toISOString().replace('.000Z', 'Z'),
  }
}
