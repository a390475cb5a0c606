import type { TicketId } from '../ids.ts'
import {
  TicketUnreadableError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import { isStaffRole } from './answers/authors.ts'
import { type Reading, readFields } from './http/read-response.ts'
import {
  COMMENTS_A_PAGE,
  type CommentsPageFields,
  type PublicCommentFields,
  commentsPageSchema,
  isPublicComment,
  lacksPublicFlag,
  privateCommentSchema,
  publicCommentSchema,
  withPublicFlag,
} from './schemas.ts'
import { commentText } from './text.ts'
import { MOST_REPEATS, toInstant } from './tickets.ts'
import type { PublicComment, TicketComments } from './types.ts'

/** Zendesk allows 5,000 comments a ticket; a server that gives ten a page is read to the end, too. */
const MOST_PAGES = 500

/** Cursor pagination, and the older kind with numbered pages for servers that answer in it. */
export type CommentsPosition =
  | { readonly kind: 'first' }
  | { readonly kind: 'cursor'; readonly after: string }
  | { readonly kind: 'numbered'; readonly page: number }

/** The path of one page: made here from what the answer says, never the link that it carries. */
export function commentsPath(ticketId: TicketId, position: CommentsPosition): string {
  const path = `/api/v2/tickets/${ticketId}/comments.json`
  switch (position.kind) {
    case 'first':
      return `${path}?page[size]=100&sort=created_at&include=users`
    case 'cursor':
      return `${path}?page[size]=100&page[after]=${encodeURIComponent(position.after)}&sort=created_at&include=users`
    case 'numbered':
      return `${path}?per_page=100&page=${position.page}&sort_order=asc&include=users`
    default:
      return position satisfies never
  }
}

/** The fields of a page, or null if the ticket is gone. */
export function readCommentsPage(reading: Reading, ticketId: TicketId): CommentsPageFields | null {
  if (reading.kind === 'answered') {
    return readFields(commentsPageSchema, reading.value, `comments of ticket ${ticketId}`)
  }
  if (reading.kind === 'missing') return null
  const verb = reading.kind === 'forbidden' ? 'forbids' : 'refuses'
  throw new TicketUnreadableError(`Zendesk ${verb} to list the comments of ticket ${ticketId}`)
}

/**
 * Throws for the ticket what is about nothing else: a 404 that comes again and again, but not as the
 * API itself says that a ticket is gone. That would take a transcript back; this sets a ticket aside.
 */
export function blameTicket(ticketId: TicketId, error: unknown): never {
  if (!(error instanceof ZendeskUnavailableError) || error.status !== 404) throw error
  throw new TicketUnreadableError(
    `Zendesk answers 404 for the comments of ticket ${ticketId}, but not in its own form`,
  )
}

/** Where to go on, or null after the last page. A page that came again leads to where it was asked. */
export function nextPosition(
  page: CommentsPageFields,
  position: CommentsPosition,
  ticketId: TicketId,
): CommentsPosition | null {
  if (page.meta) {
    if (!page.meta.has_more) return null
    const after = page.meta.after_cursor
    if (after) return { kind: 'cursor', after }
    throw new ZendeskShapeError(
      `comments of ticket ${ticketId}: missing after_cursor before the last page`,
    )
  }
  if (!page.next_page) return null
  if (position.kind === 'numbered') return { kind: 'numbered', page: position.page + 1 }
  // A server that counts in smaller pages unless asked in its own way: its first one again, larger.
  return { kind: 'numbered', page: page.comments.length < COMMENTS_A_PAGE ? 1 : 2 }
}

/** Throws where reading would not come to an end: `repeats` are pages that were asked for before. */
export function assertEnds(
  ticketId: TicketId,
  { pages, repeats }: { readonly pages: number; readonly repeats: number },
): void {
  if (repeats > MOST_REPEATS) {
    throw new ZendeskShapeError(
      `comments of ticket ${ticketId}: the cursors do not move on although there are more pages`,
    )
  }
  if (pages >= MOST_PAGES) {
    throw new TicketUnreadableError(
      `ticket ${ticketId} has more than ${MOST_PAGES} pages of comments`,
    )
  }
}

/**
 * The comments of one ticket over all its pages. Of a comment that occurs twice the later copy
 * counts, unless one of them is private: it was made private between two pages.
 */
export class CommentCollection {
  readonly #ticketId: TicketId
  readonly #public = new Map<number, PublicComment>()
  readonly #private = new Set<number>()
  #privateWithoutId = 0
  readonly #staff = new Set<number>()

  constructor(ticketId: TicketId) {
    this.#ticketId = ticketId
  }

  add(page: CommentsPageFields): void {
    for (const [index, comment] of page.comments.entries()) {
      const what = `comments of ticket ${this.#ticketId}, entry ${index}`
      if (lacksPublicFlag(comment)) readFields(withPublicFlag, comment, what)
      else if (isPublicComment(comment)) this.#addPublic(comment, what)
      else this.#addPrivate(comment)
    }
    if (!page.users) this.#assertNobodySpeaks()
    for (const { id, role } of page.users ?? []) {
      if (isStaffRole(role)) this.#staff.add(id)
    }
  }

  result(): TicketComments {
    return {
      comments: [...this.#public.values()],
      privateCount: this.#private.size + this.#privateWithoutId,
      staffIds: this.#staff,
    }
  }

  /** Without the users beside them, nobody can tell whether customers or agents wrote comments. */
  #assertNobodySpeaks(): void {
    const speaker = [...this.#public.values()].find(({ authorId }) => (authorId ?? -1) > 0)
    if (speaker === undefined) return
    throw new ZendeskShapeError(
      `comments of ticket ${this.#ticketId}: missing users; reading stops here until this is understood`,
    )
  }

  #addPublic(comment: unknown, what: string): void {
    const fields = readFields(publicCommentSchema, comment, what)
    if (!this.#private.has(fields.id)) this.#public.set(fields.id, toComment(fields))
  }

  #addPrivate(comment: unknown): void {
    const identified = privateCommentSchema.safeParse(comment)
    if (!identified.success) {
      this.#privateWithoutId += 1
      return
    }
    this.#private.add(identified.data.id)
    this.#public.delete(identified.data.id)
  }
}

/** Pictures inside the text are no attachments: the comments endpoint leaves them out unless asked. */
export function toComment(fields: PublicCommentFields): PublicComment {
  return {
    id: fields.id,
    public: fields.public,
    authorId: fields.author_id,
    at: toInstant(fields.created_at),
    text: commentText(fields),
    attachments: (fields.attachments ?? [])
      .filter((attachment) => attachment !== null)
      .filter((attachment) => attachment.deleted !== true && attachment.inline !== true)
      .map(({ file_name, content_type }) => ({
        fileName: file_name ?? '',
        contentType: content_type ?? null,
      })),
  }
}
