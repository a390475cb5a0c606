import type { Setting } from '../ticket/comment-json.ts'
import { commentCount } from '../ticket/comment.ts'
import { exportedTicketJson } from '../ticket/ticket-json.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { presentId } from '../world/user.ts'
import type { Answer, Call } from '../api/answer.ts'
import { invalidValue, ok } from '../api/answer.ts'
import { includesOf, settingOf, usersOf } from '../api/sideload.ts'
import { pageByTime, startTimeOf } from './time-page.ts'

const MAX_PAGE = 1000

interface Position {
  readonly seconds: number
  readonly ticketId: number
}

/**
 * The cursor export. Rows come in the order (generated_timestamp, id), those of the last minute
 * are hidden, and the cursor names the last row given: it stays good for ever, at the end as well.
 */
export function ticketsByCursor(call: Call): Answer {
  const position = startOf(call)
  if ('status' in position) return position
  const size = pageSize(call)
  const rows: Ticket[] = []
  let isEnd = true
  for (const ticket of visibleAfter(call, position)) {
    if (rows.length === size) {
      isEnd = false
      break
    }
    rows.push(ticket)
  }
  const last = rows.at(-1)
  const cursor = cursorAfter(call, position, last)
  return ok({
    ...ticketsJson(call, rows),
    after_url: cursor === null ? null : afterUrl(call, cursor),
    after_cursor: cursor,
    before_url: null,
    before_cursor: null,
    end_of_stream: isEnd,
  })
}

/** The older export by time. */
export function ticketsByTime(call: Call): Answer {
  const start = startTimeOf(call)
  if (typeof start !== 'number') return start
  const rows = visibleAfter(call, { seconds: start, ticketId: 0 })
  const page = pageByTime(rows, (ticket) => ticket.generatedAt, start, pageSize(call))
  return ok({
    ...ticketsJson(call, page.rows),
    count: page.rows.length,
    end_of_stream: page.isEnd,
    end_time: page.endTime,
    next_page: nextPage(call, page.endTime),
  })
}

export function nextPage(call: Call, endTime: number): string {
  const query = new URLSearchParams(call.query)
  query.set('start_time', String(endTime))
  return `${call.base}${call.path}?${query.toString()}`
}

export function pageSize(call: Call): number {
  const asked = Number(call.query.get('per_page') ?? MAX_PAGE)
  return Number.isInteger(asked) && asked >= 1 ? Math.min(asked, MAX_PAGE) : MAX_PAGE
}

function startOf(call: Call): Position | Answer {
  const cursor = call.query.get('cursor')
  if (cursor === null) {
    const start = startTimeOf(call)
    return typeof start === 'number' ? { seconds: start, ticketId: 0 } : start
  }
  const parts = /^(\d+)\.0\|\|(\d+)\|$/.exec(Buffer.from(cursor, 'base64').toString())
  if (parts === null) return invalidValue('The cursor is not valid', 400)
  return { seconds: Number(parts[1]), ticketId: Number(parts[2]) }
}

function* visibleAfter(call: Call, position: Position): Iterable<Ticket> {
  const { clock, tickets } = call.account
  const newest = Math.floor((clock.now() - clock.minuteMs) / 1000)
  const scope = call.query.get('support_type_scope') ?? 'agent'
  const leavesOutDeleted = call.query.get('exclude_deleted') === 'true'
  for (const ticket of tickets.after(position.seconds, position.ticketId)) {
    if (ticket.generatedAt > newest) return
    if (scope !== 'all' && ticket.supportType !== scope) continue
    if (leavesOutDeleted && ticket.deletion !== 'none') continue
    yield ticket
  }
}

function ticketsJson(call: Call, rows: readonly Ticket[]): Record<string, unknown> {
  const setting = settingOf(call)
  const includes = includesOf(call)
  const tickets = rows.map((ticket) => {
    const json = exportedTicketJson(setting, ticket)
    if (includes.has('comment_count')) json['comment_count'] = commentCount(ticket)
    return json
  })
  if (!includes.has('users')) return { tickets }
  return {
    tickets,
    users: usersOf(
      call,
      rows.flatMap((row) => peopleOf(setting, row)),
    ),
  }
}

function peopleOf(setting: Setting, ticket: Ticket): readonly number[] {
  const requester = presentId(setting.users, ticket.requesterId)
  return ticket.assigneeId === null ? [requester] : [requester, ticket.assigneeId]
}

function cursorAfter(call: Call, position: Position, last: Ticket | undefined): string | null {
  if (last !== undefined) return encodeCursor(last.generatedAt, last.id)
  const given = call.query.get('cursor')
  if (given !== null) return given
  if (call.account.settings.nullCursorWhenEmpty) return null
  return encodeCursor(position.seconds, position.ticketId)
}

function encodeCursor(seconds: number, ticketId: number): string {
  return Buffer.from(`${seconds}.0||${ticketId}|`).toString('base64')
}

function afterUrl(call: Call, cursor: string): string {
  const query = new URLSearchParams({ cursor })
  for (const [name, value] of call.query) {
    if (name !== 'cursor' && name !== 'start_time') query.set(name, value)
  }
  return `${call.base}${call.path}?${query.toString()}`
}
