import type { Clock } from './clock.ts'
import { THIRTY_DAYS } from '../ticket/deletion.ts'
import { mix } from './hash.ts'
import type { Overlay } from './overlay.ts'
import { createOverlay } from './overlay.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { baseTicket, deletionOf } from '../ticket/ticket.ts'
import type { UserChanges } from './user.ts'
import { createUserChanges } from './user.ts'
import type { World } from './world.ts'
import { firstIndexAfter, generatedAt } from './world.ts'

/**
 * All tickets of an account in their present state: computed ones, and over them those that
 * changed. Every changed ticket is younger in the export than every computed one, because the
 * computed ones end before the clock starts.
 */
export interface Tickets {
  readonly world: World
  readonly users: UserChanges
  readonly overlay: Overlay
  find(id: number): Ticket | null
  /** In export order, those after the pair (generated_timestamp, id). */
  after(seconds: number, ticketId: number): Iterable<Ticket>
  nextId(): number
}

export function createTickets(world: World, clock: Clock): Tickets {
  const overlay = createOverlay()
  const users: UserChanges = createUserChanges()
  const scrub = createScrubber(world, overlay)
  let created = 0

  function find(id: number): Ticket | null {
    scrub(clock.now())
    const changed = overlay.tickets.get(id)
    if (changed !== undefined) return changed
    return Number.isInteger(id) && id >= 1 && id <= world.size ? baseTicket(world, id - 1) : null
  }

  function* after(seconds: number, ticketId: number): Iterable<Ticket> {
    scrub(clock.now())
    for (let index = firstIndexAfter(world, seconds, ticketId); index < world.size; index++) {
      if (!overlay.tickets.has(index + 1)) yield baseTicket(world, index)
    }
    yield* overlay.after(seconds, ticketId)
  }

  return { world, users, overlay, find, after, nextId: () => world.size + ++created }
}

/**
 * Thirty days after its deletion a ticket comes again, scrubbed. The clock only jumps in tests, so
 * each look at the tickets first settles what has fallen due since the last one.
 */
function createScrubber(world: World, overlay: Overlay): (nowMs: number) => void {
  let index = firstIndexAfter(world, world.startAt - THIRTY_DAYS, Number.MAX_SAFE_INTEGER)
  let settledAt = Number.NEGATIVE_INFINITY

  return (nowMs) => {
    const dueAt = Math.floor(nowMs / 1000) - THIRTY_DAYS
    if (dueAt === settledAt) return
    settledAt = dueAt
    for (; index < world.size && generatedAt(world, index) <= dueAt; index++) {
      if (isDeletedAndWhole(world, index) && !overlay.tickets.has(index + 1)) {
        overlay.put(scrubbed(baseTicket(world, index)))
      }
    }
    for (const ticket of overlay.tickets.values()) {
      if (ticket.deletion === 'deleted' && ticket.updatedAt <= dueAt) overlay.put(scrubbed(ticket))
    }
  }
}

/** `updated_at` stays: only the export notices. */
export function scrubbed(ticket: Ticket, generated = ticket.updatedAt + THIRTY_DAYS): Ticket {
  return { ...ticket, deletion: 'scrubbed', generatedAt: generated }
}

function isDeletedAndWhole(world: World, index: number): boolean {
  return deletionOf(world, mix(world.hash, index + 1), generatedAt(world, index)) === 'deleted'
}
