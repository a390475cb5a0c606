import { isoSeconds } from '../world/clock.ts'
import { commentJson } from '../ticket/comment-json.ts'
import type { Comment } from '../ticket/comment.ts'
import { commentCount, commentOf } from '../ticket/comment.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { presentId } from '../world/user.ts'
import type { Answer, Call } from './answer.ts'
import { invalidDepth, ok, recordNotFound } from './answer.ts'
import type { Range } from './pages.ts'
import { cursorRange, isCursorCall, offsetFields, offsetRange } from './pages.ts'
import { settingOf, usersOf } from './sideload.ts'

/** The comments of a ticket, oldest first unless asked otherwise; deleted tickets have none. */
export function listComments(call: Call): Answer {
  const ticket = presentTicket(call)
  if (ticket === null) return recordNotFound
  const total = commentCount(ticket)
  const isCursor = isCursorCall(call)
  const range = isCursor ? cursorRange(call, total) : offsetRange(call, total)
  if (range === 'too_deep') return invalidDepth
  if (range === 'malformed') {
    return {
      status: 400,
      body: {
        errors: [
          {
            code: 'InvalidPaginationParameter',
            title: 'Invalid pagination parameter',
            detail: 'page[after] or sort is not valid',
          },
        ],
      },
    }
  }
  return ok(bodyOf(call, ticket, range, isCursor, total))
}

export function countComments(call: Call): Answer {
  const ticket = presentTicket(call)
  if (ticket === null) return recordNotFound
  const refreshedAt = isoSeconds(Math.floor(call.account.clock.now() / 1000))
  return ok({ count: { value: commentCount(ticket), refreshed_at: refreshedAt } })
}

/** The ticket that the path names, unless it is deleted. */
export function presentTicket(call: Call): Ticket | null {
  const ticket = call.account.tickets.find(Number(call.params[0]))
  return ticket === null || ticket.deletion !== 'none' ? null : ticket
}

function bodyOf(
  call: Call,
  ticket: Ticket,
  range: Range,
  isCursor: boolean,
  total: number,
): Record<string, unknown> {
  const setting = settingOf(call)
  const comments = commentsIn(call, ticket, range, total)
  const body: Record<string, unknown> = {
    comments: comments.map((comment) => commentJson(setting, ticket, comment)),
  }
  if (call.query.get('include')?.includes('users') === true) {
    body['users'] = usersOf(
      call,
      comments.map((comment) => presentId(setting.users, comment.authorId)),
    )
  }
  return Object.assign(body, isCursor ? range.fields : offsetFields(call, range, total))
}

function commentsIn(call: Call, ticket: Ticket, range: Range, total: number): Comment[] {
  const { world } = call.account.tickets
  const comments: Comment[] = []
  for (let place = range.from; place < range.to; place++) {
    comments.push(commentOf(world, ticket, range.isDescending ? total - 1 - place : place))
  }
  return comments
}
