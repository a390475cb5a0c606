import type { Call, Outcome } from '../call-once.ts'
import { isTooLarge } from '../http/failure.ts'
import { askableFrom, boundedPageSize, smallerPage } from '../tickets.ts'
import type { TicketEventPage } from '../types.ts'
import { readTicketEvents, ticketEventsPath } from './ticket-events.ts'

/** A page of a thousand events with their texts takes Zendesk as long as one of tickets. */
const TIMEOUT_MS = 70_000

export interface EventsWanted {
  readonly pageSize: number
  readonly signal: AbortSignal
}

/** Sends one call of a family that its caller has chosen. */
export type SendCall = (
  call: Pick<Call, 'path' | 'signal' | 'timeoutMs' | 'shrink'>,
) => Promise<Outcome>

/** One page of the event stream from an instant; smaller than wished where Zendesk takes too long. */
export async function readEventsPage(
  send: SendCall,
  startAt: Date,
  { pageSize: wished, signal }: EventsWanted,
): Promise<TicketEventPage> {
  let pageSize = boundedPageSize(wished)
  let askedAt = startAt
  const outcome = await send({
    path: () => {
      const nowMs = Date.now()
      askedAt = askableFrom(startAt, nowMs)
      return ticketEventsPath(startAt, pageSize, nowMs)
    },
    timeoutMs: TIMEOUT_MS,
    signal,
    shrink: (error) => {
      const smaller = isTooLarge(error) ? smallerPage(pageSize) : pageSize
      const isSmaller = smaller < pageSize
      pageSize = smaller
      return isSmaller
    },
  })
  return readTicketEvents(outcome, startAt, pageSize, askedAt)
}
