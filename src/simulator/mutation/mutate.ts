import type { MutateContext, Change } from './change.ts'
import { systemUpdate, userChange } from './change.ts'
import type { Mutation } from './mutation.ts'
import { addComment, makePrivate, redact, redactAttachment } from './comments.ts'
import { changeRequester, setGroup, setStatus, setSubject, setTags } from './fields.ts'
import {
  createTicket,
  deletePermanently,
  deleteTicket,
  followUp,
  markAsSpam,
  mergeTicket,
  restoreTicket,
} from './lifecycle.ts'
import type { Tickets } from '../world/tickets.ts'

/**
 * Decides what a mutation does: new versions of tickets with a new place in the export, and what
 * is to be told about it. Nothing is stored here, so a webhook can be sent before or after.
 */
export function mutate(tickets: Tickets, mutation: Mutation, now: number): Change {
  const context: MutateContext = { tickets, now }
  switch (mutation.kind) {
    case 'add_comment':
      return addComment(context, mutation)
    case 'make_private':
      return makePrivate(context, mutation)
    case 'redact':
      return redact(context, mutation)
    case 'redact_attachment':
      return redactAttachment(context, mutation)
    case 'set_tags':
      return setTags(context, mutation)
    case 'set_status':
      return setStatus(context, mutation)
    case 'set_group':
      return setGroup(context, mutation)
    case 'set_subject':
      return setSubject(context, mutation)
    case 'change_requester':
      return changeRequester(context, mutation)
    case 'delete':
      return deleteTicket(context, mutation.ticketId)
    case 'restore':
      return restoreTicket(context, mutation.ticketId)
    case 'delete_permanently':
      return deletePermanently(context, mutation.ticketId)
    case 'mark_as_spam':
      return markAsSpam(context, mutation.ticketId)
    case 'merge':
      return mergeTicket(context, mutation)
    case 'follow_up':
      return followUp(context, mutation)
    case 'create':
      return createTicket(context, mutation)
    case 'system_update':
      return systemUpdate(context, mutation.ticketId)
    case 'delete_user':
      return userChange(mutation.permanent === true ? 'wipe' : 'deactivate', mutation.userId)
    case 'merge_users':
      return userChange('merge', mutation.userId, mutation.into)
    default:
      return mutation satisfies never
  }
}
