import type { TicketId } from '../../ids.ts'
import { ZendeskRefusedError, ZendeskShapeError } from '../../platform/errors.ts'
import { type Reading, readFields } from '../http/read-response.ts'
import { type ShownTicketFields, shownTicketSchema, shownTicketsSchema } from '../schemas.ts'
import { toTicket } from '../tickets.ts'
import type { ExportedTicket } from '../types.ts'

/** The most that Zendesk shows at once. */
export const SHOWN_AT_ONCE = 100

/** The export hides a minute for the same reason. Hints come later than this, unless clocks differ. */
const FRESH_MS = 5_000

export function showManyPath(ticketIds: readonly TicketId[]): string {
  return `/api/v2/tickets/show_many.json?ids=${ticketIds.join(',')}&include=comment_count`
}

export function showPath(ticketId: TicketId): string {
  return `/api/v2/tickets/${ticketId}.json?include=comment_count`
}

/** The tickets that Zendesk has of those asked for; it leaves the others out without a word. */
export function readShownTickets(reading: Reading, nowMs: number): ExportedTicket[] {
  if (reading.kind === 'answered') {
    const { tickets } = readFields(shownTicketsSchema, reading.value, 'tickets')
    return tickets.map((row) => toShownTicket(row, nowMs))
  }
  throw refusal(reading, 'tickets')
}

/** One ticket, or null if Zendesk says in its own form that there is none. */
export function readShownTicket(
  reading: Reading,
  ticketId: TicketId,
  nowMs: number,
): ExportedTicket | null {
  const what = `ticket ${ticketId}`
  if (reading.kind === 'answered') {
    return toShownTicket(readFields(shownTicketSchema, reading.value, what).ticket, nowMs)
  }
  if (reading.kind === 'missing') return null
  throw refusal(reading, what)
}

/**
 * Only the export tells when Zendesk generated a row. That was not before the last update, so a row
 * that the export shows later counts as the newer one.
 */
function toShownTicket(row: ShownTicketFields, nowMs: number): ExportedTicket {
  const updatedMs = Date.parse(row.updated_at)
  const isFresh = nowMs - updatedMs < FRESH_MS
  return { ...toTicket(row, updatedMs), isFresh }
}

function refusal({ kind }: Reading, what: string): Error {
  if (kind === 'forbidden') {
    return new ZendeskRefusedError(
      'role_insufficient',
      `${what}: Zendesk forbids it to this user: connect the account again as an administrator`,
    )
  }
  return new ZendeskShapeError(`${what}: Zendesk answers something else than expected`)
}
