import type { Change, MutateContext } from './change.ts'
import { changeOf, ticketIn, touched } from './change.ts'
import { mix } from '../world/hash.ts'
import { ADMIN_NUMBER, userId } from '../world/ids.ts'
import { agentOf, withComment } from './comments.ts'
import { statusChanged, tagsChanged } from './fields.ts'
import type { Mutation } from './mutation.ts'
import type { Occurrence } from './occurrence.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { NO_EDITS } from '../ticket/ticket.ts'
import { scrubbed } from '../world/tickets.ts'
import { privateToken, SUBJECT_INDEX } from '../world/tokens.ts'
import { presentCustomer } from '../world/user.ts'

type Of<Kind extends Mutation['kind']> = Extract<Mutation, { kind: Kind }>

export function deleteTicket(context: MutateContext, id: number): Change {
  const ticket = ticketIn(context, id)
  const deleted = touched(context, ticket, { deletion: 'deleted' })
  return changeOf(deleted, [{ ...sourceOf(ticket), type: 'soft_deleted' }])
}

/** Possible until the ticket is scrubbed. */
export function restoreTicket(context: MutateContext, id: number): Change {
  const ticket = ticketIn(context, id, true)
  if (ticket.deletion === 'scrubbed') throw new RangeError(`ticket ${id} is scrubbed`)
  const restored = touched(context, ticket, { deletion: 'none' })
  return changeOf(restored, [{ ...sourceOf(ticket), type: 'undeleted' }])
}

/** Before the thirty days are over; `updated_at` stays that of the deletion. */
export function deletePermanently(context: MutateContext, id: number): Change {
  const ticket = ticketIn(context, id, true)
  const purged = scrubbed(ticket, context.now)
  return changeOf(purged, [{ ...sourceOf(ticket), type: 'permanently_deleted' }])
}

/** The ticket goes to the bin and its requester is suspended. */
export function markAsSpam(context: MutateContext, id: number): Change {
  const ticket = ticketIn(context, id)
  const deleted = touched(context, ticket, { deletion: 'deleted' })
  const change = changeOf(deleted, [{ ...sourceOf(ticket), type: 'marked_as_spam' }])
  return { ...change, user: { kind: 'suspend', userId: ticket.requesterId, into: null } }
}

/** The source closes with a tag and a comment, the target gets a comment; nothing is moved. */
export function mergeTicket(context: MutateContext, mutation: Of<'merge'>): Change {
  const source = ticketIn(context, mutation.ticketId)
  const target = ticketIn(context, mutation.into)
  const note = {
    authorId: agentOf(target),
    isPublic: mutation.isPublic === true,
    hasAttachment: false,
  }
  const tags = [...new Set([...source.tags, 'closed_by_merge'])]
  const closing = withComment(context, source, {
    ...note,
    text: `This request was closed and merged into request #${target.id}.`,
  })
  const receiving = withComment(context, target, {
    ...note,
    text: `Request #${source.id} was closed and merged into this request.`,
  })
  const closed: Ticket = { ...closing.ticket, status: 'closed', tags }
  const change = changeOf(closed, [
    ...closing.occurrences,
    statusChanged(source, 'closed'),
    tagsChanged(source, tags),
    { ...sourceOf(source), type: 'merged', into: target.id },
    ...receiving.occurrences,
  ])
  return { ...change, tickets: [closed, receiving.ticket] }
}

/** The old ticket names the new one, the new one says where it comes from. */
export function followUp(context: MutateContext, mutation: Of<'follow_up'>): Change {
  const old = ticketIn(context, mutation.ticketId)
  const fresh = newTicket(context, {
    subject: `Re: request #${old.id}`,
    tags: old.tags,
    groupId: old.groupId,
    requesterId: old.requesterId,
    followUpOf: old.id,
  })
  const change = open(context, fresh, mutation.text ?? 'I have to come back to this.', true)
  const followed = touched(context, old, { followUpIds: [...old.followUpIds, fresh.id] })
  return { ...change, tickets: [...change.tickets, followed] }
}

export function createTicket(context: MutateContext, mutation: Of<'create'>): Change {
  const { isPublic = true, subject = 'A new request' } = mutation
  const { world } = context.tickets
  const fresh = newTicket(context, { tags: mutation.tags ?? [], groupId: mutation.groupId ?? null })
  const secret = privateToken(world.hash, fresh.id, SUBJECT_INDEX)
  const titled = { ...fresh, subject: isPublic ? subject : `${subject} ${secret}` }
  return open(context, titled, mutation.text ?? 'Hello, I have a question.', isPublic)
}

/** A new ticket exists with its first comment or not at all. */
function open(context: MutateContext, fresh: Ticket, text: string, isPublic: boolean): Change {
  const authorId = isPublic ? fresh.requesterId : agentOf(fresh)
  const first = withComment(context, fresh, { authorId, isPublic, text, hasAttachment: false })
  const created: Occurrence = { ticketId: fresh.id, actorId: authorId, type: 'created' }
  return changeOf(first.ticket, [created, ...first.occurrences], first.index)
}

function newTicket(context: MutateContext, fields: Partial<Ticket>): Ticket {
  const { world, users } = context.tickets
  const id = context.tickets.nextId()
  const hash = mix(world.hash, id)
  return {
    id,
    hash,
    kind: 'public',
    baseComments: 0,
    createdAt: context.now,
    lastBaseCommentAt: context.now,
    channel: 'email',
    supportType: 'agent',
    followUpOf: null,
    updatedAt: context.now,
    generatedAt: context.now,
    status: 'new',
    deletion: 'none',
    requesterId: presentCustomer(world, users, hash),
    assigneeId: null,
    organizationId: null,
    groupId: null,
    subject: 'A new request',
    priority: null,
    type: null,
    tags: [],
    followUpIds: [],
    edits: NO_EDITS,
    added: [],
    ...fields,
  }
}

function sourceOf(ticket: Ticket): { ticketId: number; actorId: number } {
  return { ticketId: ticket.id, actorId: ticket.assigneeId ?? userId(ADMIN_NUMBER) }
}
