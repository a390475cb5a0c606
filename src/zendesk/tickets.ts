import { DateTime, FixedOffsetZone } from 'luxon'
import {
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import { type Reading, readFields } from './http/read-response.ts'
import { type ShownTicketFields, ticketPageSchema, viaSchema } from './schemas.ts'
import type { ExportedTicket, TicketPage } from './types.ts'

export type ExportPosition = { readonly cursor: string } | { readonly startAt: Date }

/** Zendesk refuses a start in the last minute; twice that leaves room for clocks that differ. */
const LEAST_AGE_MS = 120_000

/** The instant that may be asked for in place of one that is too recent. */
export function askableFrom(startAt: Date, nowMs: number): Date {
  return new Date(Math.min(startAt.getTime(), nowMs - LEAST_AGE_MS))
}

/** An instant as a page of an export may begin with it. */
export function startSeconds(startAt: Date, nowMs: number): number {
  return Math.floor(askableFrom(startAt, nowMs).getTime() / 1000)
}

const MOST_AHEAD_MS = 3_600_000

const SMALLEST_PAGE = 10
const LARGEST_PAGE = 1000

/**
 * The path of one page. `support_type_scope=all` adds the tickets that AI agents handled, which the
 * default leaves out; deleted tickets are not excluded, for they take transcripts back. The number of
 * comments comes along: it tells whether there can be new words.
 */
export function exportPath(from: ExportPosition, pageSize: number, nowMs: number): string {
  const position =
    'cursor' in from
      ? `cursor=${encodeURIComponent(from.cursor)}`
      : `start_time=${startSeconds(from.startAt, nowMs)}`
  return `/api/v2/incremental/tickets/cursor.json?${position}&per_page=${pageSize}&support_type_scope=all&include=comment_count`
}

export function boundedPageSize(wished: number): number {
  return Math.min(LARGEST_PAGE, Math.max(1, Math.floor(wished)))
}

/** What to ask for after Zendesk took too long over a page of this size. */
export function smallerPage(pageSize: number): number {
  return Math.max(Math.min(SMALLEST_PAGE, pageSize), Math.floor(pageSize / 2))
}

/** What to ask for after a page came: one bad minute of Zendesk's must not leave pages small for ever. */
export function largerPage(pageSize: number): number {
  return boundedPageSize(pageSize * 1.25 + 1)
}

export function readTicketPage(
  reading: Reading,
  from: ExportPosition,
  asked: { readonly pageSize: number; readonly nowMs: number },
): TicketPage {
  const { pageSize } = asked
  if (reading.kind === 'answered') return toPage(reading.value, asked)
  if (reading.kind === 'invalid') {
    if ('startAt' in from && reading.isTooRecent) {
      return { tickets: [], afterCursor: null, endOfStream: true, pageSize }
    }
    const refusesCursor = 'cursor' in from
    const refused = refusesCursor ? 'the stored cursor' : 'the start time'
    throw new ZendeskShapeError(
      `ticket export: Zendesk answers ${reading.status} to ${refused}; reading stops here until this is understood`,
      { refusesCursor },
    )
  }
  if (reading.kind === 'forbidden') {
    throw new ZendeskRefusedError(
      'role_insufficient',
      'Zendesk lets only administrators read incremental exports: connect the account again as one',
    )
  }
  throw new ZendeskUnavailableError('Zendesk answers 404 to the ticket export', 404)
}

/**
 * Throws unless this answer is that to a user who may export. What stands on the page is not looked
 * at: where its form is not known, that is for the run that stores it to tell.
 */
export function assertExportable(reading: Reading, from: ExportPosition): void {
  if (reading.kind !== 'answered') readTicketPage(reading, from, { pageSize: 1, nowMs: 0 })
}

/** A page that comes again is asked for again so often; then it is no slip but a form we don't know. */
export const MOST_REPEATS = 2

/** Whether the page leads to where it was asked for: it is an earlier one that came again. */
export function isRepeated(page: TicketPage, from: ExportPosition): boolean {
  return !page.endOfStream && 'cursor' in from && page.afterCursor === from.cursor
}

function toPage(
  value: object,
  { pageSize, nowMs }: { readonly pageSize: number; readonly nowMs: number },
): TicketPage {
  const fields = readFields(ticketPageSchema, value, 'ticket export')
  const endOfStream = fields.end_of_stream
  const afterCursor = fields.after_cursor ?? null
  if (!endOfStream && afterCursor === null) {
    throw new ZendeskShapeError('ticket export: missing after_cursor before the end of the stream')
  }
  const tickets = fields.tickets.map((row) => {
    const generatedMs = row.generated_timestamp * 1000
    return toTicket(row, isAhead(generatedMs, nowMs) ? Date.parse(row.updated_at) : generatedMs)
  })
  return { tickets, afterCursor, endOfStream, pageSize }
}

/** Further ahead than clocks differ: it would stand above every change that comes before it. */
function isAhead(instantMs: number, nowMs: number): boolean {
  return instantMs - nowMs > MOST_AHEAD_MS
}

export function toTicket(row: ShownTicketFields, generatedMs: number): ExportedTicket {
  const via = viaSchema.safeParse(row.via)
  return {
    id: row.id,
    generatedAt: utc(generatedMs),
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
    status: row.status,
    subject: row.subject ?? null,
    priority: row.priority ?? null,
    type: row.type ?? null,
    tags: row.tags ?? [],
    groupId: row.group_id ?? null,
    channel: via.success ? via.data.channel : null,
    isPublic: row.is_public ?? null,
    commentCount: row.comment_count ?? null,
    isFresh: false,
  }
}

/** A checked instant; several times quicker than luxon's parser, which a backfill would notice. */
export function toInstant(text: string): DateTime {
  return utc(Date.parse(text))
}

function utc(ms: number): DateTime {
  return DateTime.fromMillis(ms, { zone: FixedOffsetZone.utcInstance })
}
