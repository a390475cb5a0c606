import type { Ticket } from '../ticket/ticket.ts'

/**
 * The tickets that differ from what is computed, and their order in the export. A change moves a
 * ticket to its new `generated_timestamp`; the place it leaves is recognised by its old version.
 */
export interface Overlay {
  readonly tickets: ReadonlyMap<number, Ticket>
  put(ticket: Ticket): void
  /** Changed tickets with (generated_timestamp, id) after the given pair, in that order. */
  after(seconds: number, ticketId: number): Iterable<Ticket>
}

export function createOverlay(): Overlay {
  const tickets = new Map<number, Ticket>()
  let order: Ticket[] = []

  function put(ticket: Ticket): void {
    tickets.set(ticket.id, ticket)
    order.splice(firstAfter(order, ticket.generatedAt, ticket.id), 0, ticket)
    if (order.length > 64 && order.length > tickets.size * 2) {
      order = order.filter((known) => tickets.get(known.id) === known)
    }
  }

  function* after(seconds: number, ticketId: number): Iterable<Ticket> {
    const held = order
    for (let index = firstAfter(held, seconds, ticketId); index < held.length; index++) {
      const ticket = held[index]
      if (ticket !== undefined && tickets.get(ticket.id) === ticket) yield ticket
    }
  }

  return { tickets, put, after }
}

function firstAfter(order: readonly Ticket[], seconds: number, ticketId: number): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const ticket = order[middle]
    const isAfter =
      ticket !== undefined &&
      (ticket.generatedAt > seconds || (ticket.generatedAt === seconds && ticket.id > ticketId))
    if (isAfter) high = middle
    else low = middle + 1
  }
  return low
}
