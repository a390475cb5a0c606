import { baseEventJson, laterEventJson } from './event-json.ts'
import type { BaseEvent } from './base-events.ts'
import type { LaterEvent } from './later-events.ts'
import type { Ticket } from '../ticket/ticket.ts'
import type { Answer, Call } from '../api/answer.ts'
import { ok } from '../api/answer.ts'
import { nextPage, pageSize } from './ticket-export.ts'
import { settingOf } from '../api/sideload.ts'
import { pageByTime, startTimeOf } from './time-page.ts'

type Row = { readonly ticket: Ticket; readonly event: BaseEvent | LaterEvent }

/**
 * The stream of what happened, by time only. Comments come with their text when they are asked
 * for. A scrubbed ticket takes its events along; a deletion is no event.
 */
export function ticketEvents(call: Call): Answer {
  const start = startTimeOf(call)
  if (typeof start !== 'number') return start
  const hasComments = call.query.get('include')?.includes('comment_events') === true
  const page = pageByTime(rowsFrom(call, start), (row) => row.event.at, start, pageSize(call))
  const setting = settingOf(call)
  const events = page.rows.map(({ ticket, event }) =>
    'sequence' in event
      ? laterEventJson(setting, ticket, event, hasComments)
      : baseEventJson(setting, ticket, event, hasComments),
  )
  return ok({
    ticket_events: events,
    count: events.length,
    end_of_stream: page.isEnd,
    end_time: page.endTime,
    next_page: nextPage(call, page.endTime),
  })
}

function* rowsFrom(call: Call, start: number): Iterable<Row> {
  const { clock, tickets, laterEvents, baseEvents } = call.account
  const newest = Math.floor((clock.now() - clock.minuteMs) / 1000)
  const scope = call.query.get('support_type_scope') ?? 'agent'
  for (const source of [baseEvents().from(start), laterEvents.from(start)]) {
    for (const event of source) {
      if (event.at > newest) break
      const ticket = tickets.find(event.ticketId)
      if (ticket === null || ticket.deletion === 'scrubbed') continue
      if (scope === 'all' || ticket.supportType === scope) yield { ticket, event }
    }
  }
}
