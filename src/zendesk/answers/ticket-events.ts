import { z } from 'zod'
import { TicketId } from '../../ids.ts'
import {
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../platform/errors.ts'
import { toComment } from '../comments.ts'
import { type Reading, readFields } from '../http/read-response.ts'
import {
  isPublicComment,
  lacksPublicFlag,
  publicCommentSchema,
  secondsSinceEpoch,
} from '../schemas.ts'
import { startSeconds, toInstant } from '../tickets.ts'
import type { PublicComment, TicketEvent, TicketEventPage } from '../types.ts'

/**
 * The path of one page of the event stream. It knows no cursor: it is read by time, and its pages
 * begin again with the second in which the last one ended.
 */
export function ticketEventsPath(startAt: Date, pageSize: number, nowMs: number): string {
  return `/api/v2/incremental/ticket_events.json?start_time=${startSeconds(startAt, nowMs)}&per_page=${pageSize}&support_type_scope=all&include=comment_events`
}

const pageSchema = z.object({
  ticket_events: z.array(z.unknown()),
  end_time: secondsSinceEpoch.nullish(),
  end_of_stream: z.boolean(),
})

const eventSchema = z.object({
  id: z.int(),
  ticket_id: TicketId,
  timestamp: secondsSinceEpoch,
  child_events: z.array(z.unknown()),
})

const childSchema = z.object({
  event_type: z.string().min(1),
  type: z.string().nullish(),
  data: z.looseObject({}).nullish(),
})

/** Children that say nothing of a comment, as far as their type goes; others are looked at by name. */
const ABOUT_COMMENTS = /comment|redact|priva|attachment|voice|chat|messag|transcript/i

/** Zendesk cuts a comment at 64 kB: of one that comes near, this may not be the whole text. */
const LONGEST_TEXT = 60_000

export function readTicketEvents(
  reading: Reading,
  startAt: Date,
  pageSize: number,
  askedAt = startAt,
): TicketEventPage {
  switch (reading.kind) {
    case 'answered':
      return toPage(reading.value, { startAt, askedAt }, pageSize)
    case 'invalid':
      if (reading.isTooRecent) return { events: [], endAt: startAt, endOfStream: true, pageSize }
      throw new ZendeskShapeError(
        `ticket events: Zendesk answers ${reading.status} to the start time`,
      )
    case 'forbidden':
      throw new ZendeskRefusedError(
        'role_insufficient',
        'Zendesk lets only administrators read ticket events: connect the account again as one',
      )
    default:
      throw new ZendeskUnavailableError('Zendesk answers 404 to the ticket events', 404)
  }
}

/**
 * Where the next page begins. A page that ends where it began, although more follow, would come again
 * for ever: no page cuts a second in two, so the next second is the next thing to ask for. A place so
 * recent that an earlier one was asked for is kept where a page does not reach it: more is not to be
 * had yet.
 */
function toPage(
  value: object,
  { startAt, askedAt }: { readonly startAt: Date; readonly askedAt: Date },
  pageSize: number,
): TicketEventPage {
  const fields = readFields(pageSchema, value, 'ticket events')
  const events = fields.ticket_events.map(toEvent)
  const startedAt = Math.floor(startAt.getTime() / 1000)
  const askedFrom = Math.floor(askedAt.getTime() / 1000)
  const endTime = fields.end_time ?? null
  if (fields.end_of_stream) {
    const end = Math.max(startedAt, endTime ?? startedAt)
    return { events, endAt: new Date(end * 1000), endOfStream: true, pageSize }
  }
  if (endTime === null || endTime < askedFrom) {
    throw new ZendeskShapeError('ticket events: the end of a page lies before its start')
  }
  if (endTime < startedAt) return { events, endAt: startAt, endOfStream: true, pageSize }
  const end = endTime === startedAt ? startedAt + 1 : endTime
  return { events, endAt: new Date(end * 1000), endOfStream: false, pageSize }
}

/**
 * Of an event only what concerns the public conversation: its public comments, how many comments it
 * wrote in all, and whether it says something that only the comments endpoint can settle. Private
 * text ends here.
 */
function toEvent(value: unknown, index: number): TicketEvent {
  const fields = readFields(eventSchema, value, `ticket events, entry ${index}`)
  const comments: PublicComment[] = []
  let commentCount = 0
  let mustConfirm = false
  for (const child of fields.child_events) {
    const read = readChild(child)
    if (read.kind === 'odd') mustConfirm = true
    if (read.kind !== 'nothing') commentCount += read.isComment ? 1 : 0
    if (read.kind === 'public') comments.push(read.comment)
  }
  return {
    id: fields.id,
    ticketId: fields.ticket_id,
    at: toInstant(new Date(fields.timestamp * 1000).toISOString()),
    comments: mustConfirm ? [] : comments,
    commentCount,
    mustConfirm,
  }
}

type Child =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'private'; readonly isComment: true }
  | { readonly kind: 'public'; readonly isComment: true; readonly comment: PublicComment }
  | { readonly kind: 'odd'; readonly isComment: boolean }

function readChild(value: unknown): Child {
  const child = childSchema.safeParse(value)
  if (!child.success) return { kind: 'odd', isComment: false }
  const { event_type: name, type, data } = child.data
  if (name !== 'Comment') {
    return ABOUT_COMMENTS.test(name) ? { kind: 'odd', isComment: false } : { kind: 'nothing' }
  }
  if (lacksPublicFlag(value)) return { kind: 'odd', isComment: true }
  if (!isPublicComment(value)) return { kind: 'private', isComment: true }
  const comment = publicCommentSchema.safeParse(value)
  // Whom a call was between has to be known, to be left out of its text.
  const isPlain = (type ?? 'Comment') === 'Comment' || (type === 'VoiceComment' && Boolean(data))
  if (!isPlain || !comment.success || isLong(comment.data)) return { kind: 'odd', isComment: true }
  return { kind: 'public', isComment: true, comment: toComment(comment.data) }
}

function isLong({ body, html_body, plain_body }: z.infer<typeof publicCommentSchema>): boolean {
  return [body, html_body, plain_body].some((text) => (text?.length ?? 0) > LONGEST_TEXT)
}
