import { z } from 'zod'
import { TicketId } from '../ids.ts'

/**
 * The fields of Zendesk's answers that this service reads; whatever else comes is dropped. A field
 * that we cannot do without is required, so that an answer without it halts; a field that only
 * decorates may be absent. Enumerations are plain strings: Zendesk adds values as it likes.
 * `description` of a ticket is not here on purpose: it repeats a comment that may be private.
 */

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/

/** What Postgres can hold, and what is written with four digits of a year in UTC. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59Z')

const instant = z.string().refine((text) => {
  const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  return ms >= EARLIEST && ms <= LATEST
})
const id = z.int()
const text = z.string().nullish()

const shownTicket = z.object({
  id: TicketId,
  created_at: instant,
  updated_at: instant,
  status: z.string().min(1),
  // Null says that there is none. Without the key nobody knows, and the filters would let it pass.
  tags: z.array(z.string()).nullable(),
  group_id: id.nullable(),
  subject: text,
  priority: text,
  type: text,
  via: z.unknown(),
  is_public: z.boolean().nullish(),
  comment_count: z.int32().nonnegative().nullish(),
})
export type ShownTicketFields = z.infer<typeof shownTicket>

/**
 * Seconds, up to the year 5138. In milliseconds they were an instant so late that no change after it
 * would be news.
 */
export const secondsSinceEpoch = z.number().positive().max(100_000_000_000)

const exportedTicket = shownTicket.extend({ generated_timestamp: secondsSinceEpoch })

export const shownTicketsSchema = z.object({ tickets: z.array(shownTicket) })
export const shownTicketSchema = z.object({ ticket: shownTicket })

export const ticketPageSchema = z.object({
  tickets: z.array(exportedTicket),
  after_cursor: z.string().min(1).nullish(),
  end_of_stream: z.boolean(),
})

/** `via` is an object in most places and a display string in some. */
export const viaSchema = z.object({ channel: z.string() })

/** This line decides what is public: the literal `true` and nothing that resembles it. */
const publicFlag = z.literal(true)

export const withPublicFlag = z.object({ public: publicFlag })

export function isPublicComment(comment: unknown): boolean {
  return withPublicFlag.safeParse(comment).success
}

/** A comment that does not say what it is: taking it for private would take its transcript back. */
export function lacksPublicFlag(comment: unknown): boolean {
  return typeof comment === 'object' && comment !== null && !('public' in comment)
}

const attachment = z.object({
  file_name: text,
  content_type: text,
  deleted: z.boolean().nullish(),
  inline: z.boolean().nullish(),
})

/** A telephone number, also where it is written as a number. */
const telephone = z.union([z.string(), z.int().transform(String)]).nullish()

const call = z.object({
  from: telephone,
  to: telephone,
  recording_url: text,
  transcription_text: text,
  answered_by_name: text,
})

const publicComment = z.object({
  id,
  public: publicFlag,
  author_id: id.nullable(),
  created_at: instant,
  body: text,
  html_body: text,
  plain_body: text,
  attachments: z.array(attachment.nullable()).nullish(),
  data: call.nullish(),
  formatted_from: text,
  formatted_to: text,
  transcription_visible: z.boolean().nullish(),
})

/** Any of the three spellings of the text will do; an empty one is a text as well. */
export const publicCommentSchema = publicComment.refine(
  ({ body, html_body, plain_body }) => [body, html_body, plain_body].some((it) => it !== undefined),
  { path: ['body'] },
)
export type PublicCommentFields = z.infer<typeof publicCommentSchema>

const author = z.object({ id, role: text })

/** The most that Zendesk puts on a page of comments. */
export const COMMENTS_A_PAGE = 100

/**
 * Comments stay unread here: which of them may be read is decided one by one. A full page that says
 * nothing of the next one, in neither of the two forms, may not be the last.
 */
export const commentsPageSchema = z
  .object({
    comments: z.array(z.unknown()),
    users: z.array(author).nullish(),
    meta: z.object({ has_more: z.boolean(), after_cursor: text }).nullish(),
    next_page: text,
  })
  .refine(
    ({ comments, meta, next_page }) =>
      Boolean(meta) || next_page !== undefined || comments.length < COMMENTS_A_PAGE,
    { path: ['meta'] },
  )
export type CommentsPageFields = z.infer<typeof commentsPageSchema>

export const privateCommentSchema = z.object({ id })

export const meSchema = z.object({ user: z.object({ id }) })

/** What a token that nobody knows gets for its user. */
export const nobodySchema = z.object({ user: z.object({ id: z.null() }) })

export const currentTokenSchema = z.object({ token: z.object({ id }) })

const seconds = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)])

export const tokenAnswerSchema = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).nullish(),
  scope: text,
  expires_in: seconds.nullish(),
  refresh_token_expires_in: seconds.nullish(),
})

/** Both shapes of an error: a code, or an object with a title. Read to decide, never to show. */
export const errorSchema = z.object({
  error: z.union([z.string(), z.object({ title: text, message: text })]).nullish(),
  description: text,
})

export const tokenErrorSchema = z.object({ error: z.string() })
