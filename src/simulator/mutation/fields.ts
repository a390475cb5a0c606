import type { Change, MutateContext } from './change.ts'
import { changeOf, ticketIn, touched } from './change.ts'
import { agentOf } from './comments.ts'
import type { Mutation } from './mutation.ts'
import type { FieldChange, Occurrence } from './occurrence.ts'
import type { Ticket } from '../ticket/ticket.ts'

type Of<Kind extends Mutation['kind']> = Extract<Mutation, { kind: Kind }>

export function setTags(context: MutateContext, mutation: Of<'set_tags'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const tags = mutation.tags.map((tag) => tag.toLowerCase())
  return changeOf(touched(context, ticket, { tags }), [tagsChanged(ticket, tags)])
}

export function tagsChanged(ticket: Ticket, tags: readonly string[]): Occurrence {
  return {
    type: 'tags_changed',
    ticketId: ticket.id,
    actorId: agentOf(ticket),
    added: tags.filter((tag) => !ticket.tags.includes(tag)),
    removed: ticket.tags.filter((tag) => !tags.includes(tag)),
  }
}

export function setStatus(context: MutateContext, mutation: Of<'set_status'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const { status } = mutation
  return changeOf(touched(context, ticket, { status }), [statusChanged(ticket, status)])
}

export function statusChanged(ticket: Ticket, status: Ticket['status']): Occurrence {
  return fieldChanged(ticket, 'status_changed', status, ticket.status)
}

export function setGroup(context: MutateContext, mutation: Of<'set_group'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const { groupId } = mutation
  return changeOf(touched(context, ticket, { groupId }), [
    fieldChanged(ticket, 'group_assignment_changed', groupId, ticket.groupId),
  ])
}

export function setSubject(context: MutateContext, mutation: Of<'set_subject'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const { subject } = mutation
  return changeOf(touched(context, ticket, { subject }), [
    fieldChanged(ticket, 'subject_changed', subject, ticket.subject),
  ])
}

export function changeRequester(context: MutateContext, mutation: Of<'change_requester'>): Change {
  const ticket = ticketIn(context, mutation.ticketId)
  const { userId: requesterId } = mutation
  return changeOf(touched(context, ticket, { requesterId }), [
    fieldChanged(ticket, 'requester_changed', requesterId, ticket.requesterId),
  ])
}

function fieldChanged(
  ticket: Ticket,
  type: FieldChange,
  current: string | number | null,
  previous: string | number | null,
): Occurrence {
  return { type, ticketId: ticket.id, actorId: agentOf(ticket), current, previous }
}
