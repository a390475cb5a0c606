import { isoSeconds } from '../world/clock.ts'
import { ADMIN_NUMBER, userId } from '../world/ids.ts'
import { ticketJson } from '../ticket/ticket-json.ts'
import { commentCount } from '../ticket/comment.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { userOf } from '../world/user.ts'
import type { Answer, Call } from './answer.ts'
import { invalidDepth, ok, recordNotFound, tooManyValues } from './answer.ts'
import { presentTicket } from './comments.ts'
import { cursorRange, isCursorCall, offsetFields, offsetRange } from './pages.ts'
import { includesOf, settingOf } from './sideload.ts'
import { idsOf } from './users.ts'

export function showTicket(call: Call): Answer {
  const ticket = presentTicket(call)
  return ticket === null ? recordNotFound : ok({ ticket: shownJson(call, ticket) })
}

/** At most 100 ids; deleted and unknown ones are left out without a word. */
export function showManyTickets(call: Call): Answer {
  const ids = idsOf(call)
  if (ids.length > 100) return tooManyValues
  const tickets = ids
    .map((id) => call.account.tickets.find(id))
    .filter((ticket) => ticket !== null && ticket.deletion === 'none')
    .map((ticket) => shownJson(call, ticket as Ticket))
  return ok({ tickets, next_page: null, previous_page: null, count: tickets.length })
}

function shownJson(call: Call, ticket: Ticket): Record<string, unknown> {
  const json = ticketJson(settingOf(call), ticket)
  return includesOf(call).has('comment_count')
    ? { ...json, comment_count: commentCount(ticket) }
    : json
}

/** The tickets in the bin: deleted less than thirty days ago and not yet scrubbed. */
export function deletedTickets(call: Call): Answer {
  const { tickets, clock } = call.account
  const since = Math.floor(clock.now() / 1000) - 31 * 86_400
  const deleted: Ticket[] = []
  for (const ticket of tickets.after(since, 0)) {
    if (ticket.deletion === 'deleted') deleted.push(ticket)
  }
  const isCursor = isCursorCall(call)
  const range = isCursor ? cursorRange(call, deleted.length) : offsetRange(call, deleted.length)
  if (typeof range === 'string') return invalidDepth
  const rows = deleted.slice(range.from, range.to).map((ticket) => deletedJson(call, ticket))
  const fields = isCursor ? range.fields : offsetFields(call, range, deleted.length)
  return ok({ deleted_tickets: rows, ...fields })
}

function deletedJson(call: Call, ticket: Ticket): Record<string, unknown> {
  const { tickets } = call.account
  const actor = userOf(tickets.world, tickets.users, userId(ADMIN_NUMBER))
  return {
    id: ticket.id,
    subject: ticket.subject,
    actor: { id: userId(ADMIN_NUMBER), name: actor?.name ?? null },
    deleted_at: isoSeconds(ticket.updatedAt),
    previous_state: ticket.status,
  }
}
