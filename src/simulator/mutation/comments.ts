import type { Change, MutateContext } from './change.ts'
import { changeOf, ticketIn, touched } from './change.ts'
import { writtenBody } from '../text/comment-text.ts'
import { commentCount, commentOf } from '../ticket/comment.ts'
import { ADMIN_NUMBER, COMMENTS_PER_TICKET, SYSTEM_AUTHOR, userId } from '../world/ids.ts'
import type { Mutation } from './mutation.ts'
import { PRIVATE_TOKEN } from '../world/tokens.ts'
import type { Occurrence } from './occurrence.ts'
import type { AddedComment, CommentEdit, Ticket } from '../ticket/ticket.ts'

type Of<Kind extends Mutation['kind']> = Extract<Mutation, { kind: Kind }>

const UNTOUCHED: CommentEdit = {
  isMadePrivate: false,
  redactions: [],
  areAttachmentsRedacted: false,
}

/** The agent of a ticket, who makes the changes that nobody else is named for. */
export function agentOf(ticket: Ticket): number {
  return ticket.assigneeId ?? userId(ADMIN_NUMBER)
}

/** An added comment together with what is told about it. */
export function withComment(
  context: MutateContext,
  ticket: Ticket,
  comment: Omit<AddedComment, 'at'>,
): {
  readonly ticket: Ticket
  readonly occurrences: readonly Occurrence[]
  readonly index: number
} {
  const index = commentCount(ticket)
  if (index >= COMMENTS_PER_TICKET) throw new RangeError(`ticket ${ticket.id} is full of comments`)
  const source = { ticketId: ticket.id, actorId: comment.authorId, index }
  const occurrences: Occurrence[] = [{ ...source, type: 'comment_added' }]
  if (comment.hasAttachment) occurrences.push({ ...source, type: 'attachment_linked_to_comment' })
  const added = [...ticket.added, { ...comment, at: context.now }]
  const subject = comment.isPublic ? presentable(ticket.subject) : ticket.subject
  return { ticket: touched(context, ticket, { added, subject }), occurrences, index }
}

/** Nobody answers in public under a subject that is secret. */
function presentable(subject: string): string {
  return subject.replaceAll(PRIVATE_TOKEN, '').trimEnd()
}

export function addComment(context: MutateContext, mutation: Of<'add_comment'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const { by = 'customer', isPublic = true } = mutation
  const authors = { customer: ticket.requesterId, agent: agentOf(ticket), system: SYSTEM_AUTHOR }
  const change = withComment(context, ticket, {
    authorId: authors[by],
    isPublic,
    text: mutation.text ?? `${isPublic ? 'One more thing' : 'Internal: one more thing'} (${by}).`,
    hasAttachment: mutation.hasAttachment === true,
  })
  return changeOf(change.ticket, change.occurrences, change.index)
}

/** One way: there is no call that makes a comment public again. */
export function makePrivate(context: MutateContext, mutation: Of<'make_private'>): Change {
  return edit(context, mutation, 'comment_made_private', () => ({ isMadePrivate: true }))
}

/** Works on closed tickets too, as it does in the agent workspace. */
export function redact(context: MutateContext, mutation: Of<'redact'>): Change {
  return edit(context, mutation, 'comment_redacted', (before, ticket) => {
    const comment = commentOf(context.tickets.world, ticket, mutation.index)
    const secret = mutation.text ?? writtenBody(ticket, comment)
    return { redactions: [...before.redactions, secret] }
  })
}

export function redactAttachment(
  context: MutateContext,
  mutation: Of<'redact_attachment'>,
): Change {
  return edit(context, mutation, 'attachment_redacted_from_comment', () => ({
    areAttachmentsRedacted: true,
  }))
}

function edit(
  context: MutateContext,
  target: { readonly ticketId: number; readonly index: number },
  type: 'comment_made_private' | 'comment_redacted' | 'attachment_redacted_from_comment',
  change: (before: CommentEdit, ticket: Ticket) => Partial<CommentEdit>,
): Change {
  const ticket = ticketIn(context, target.ticketId)
  if (!(target.index >= 0 && target.index < commentCount(ticket))) {
    throw new RangeError(`ticket ${ticket.id} has no comment ${target.index}`)
  }
  const before = ticket.edits.get(target.index) ?? UNTOUCHED
  const edits = new Map(ticket.edits).set(target.index, { ...before, ...change(before, ticket) })
  const source = { ticketId: ticket.id, actorId: agentOf(ticket), index: target.index }
  return changeOf(touched(context, ticket, { edits }), [{ ...source, type }], target.index)
}
