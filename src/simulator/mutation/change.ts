import type { MutationResult } from './mutation.ts'
import type { Occurrence } from './occurrence.ts'
import type { Ticket } from '../ticket/ticket.ts'
import type { Tickets } from '../world/tickets.ts'
import type { UserChanges } from '../world/user.ts'

export interface MutateContext {
  readonly tickets: Tickets
  /** Seconds. */
  readonly now: number
}

/** What a mutation decided. */
export interface Change {
  readonly tickets: readonly Ticket[]
  readonly occurrences: readonly Occurrence[]
  readonly user: UserEffect | null
  readonly result: MutationResult
}

export interface UserEffect {
  readonly kind: 'suspend' | 'deactivate' | 'wipe' | 'merge'
  readonly userId: number
  readonly into: number | null
}

/** The ticket a mutation names; deleted ones only where they are asked for. */
export function ticketIn(context: MutateContext, id: number, isDeleted = false): Ticket {
  const ticket = context.tickets.find(id)
  if (ticket === null) throw new RangeError(`no ticket ${id}`)
  if ((ticket.deletion !== 'none') !== isDeleted) {
    throw new RangeError(`ticket ${id} is ${isDeleted ? 'not deleted' : 'deleted'}`)
  }
  return ticket
}

/** A new version of a ticket, changed now by an event. */
export function touched(context: MutateContext, ticket: Ticket, fields: Partial<Ticket>): Ticket {
  return { ...ticket, ...fields, updatedAt: context.now, generatedAt: context.now }
}

export function changeOf(
  ticket: Ticket,
  occurrences: readonly Occurrence[],
  index: number | null = null,
): Change {
  const result = { ticketId: ticket.id, index, generatedAt: ticket.generatedAt }
  return { tickets: [ticket], occurrences, user: null, result }
}

/** Bulk changes inside Zendesk: the ticket comes again, and nothing about it is different. */
export function systemUpdate(context: MutateContext, ticketId: number): Change {
  const ticket = context.tickets.find(ticketId)
  if (ticket === null) throw new RangeError(`no ticket ${ticketId}`)
  return changeOf({ ...ticket, generatedAt: context.now }, [])
}

/** Users change without any ticket coming again. */
export function userChange(
  kind: UserEffect['kind'],
  userId: number,
  into: number | null = null,
): Change {
  const result = { ticketId: null, index: null, generatedAt: null }
  return { tickets: [], occurrences: [], user: { kind, userId, into }, result }
}

export function applyUserEffect(users: UserChanges, effect: UserEffect): void {
  switch (effect.kind) {
    case 'suspend':
      users.suspended.add(effect.userId)
      return
    case 'deactivate':
      users.inactive.add(effect.userId)
      return
    case 'wipe':
      users.vanished.add(effect.userId)
      return
    case 'merge':
      users.inactive.add(effect.userId)
      if (effect.into !== null) users.merged.set(effect.userId, effect.into)
      return
    default:
      effect.kind satisfies never
  }
}
