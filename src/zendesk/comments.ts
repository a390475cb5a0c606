import type { TicketId } from '../ids.ts'
import { TicketUnreadableError, ZendeskShapeError } from '../platform/errors.ts'
import { type Reading, readFields } from './http/read-response.ts'
import {
  type CommentsPageFields,
  type PublicCommentFields,
  commentsPageSchema,
  isPublicComment,
  privateCommentSchema,
  publicCommentSchema,
} from './schemas.ts'
import { commentText } from './text.ts'
import { toInstant } from './tickets.ts'
import type { PublicComment, TicketComments } from './types.ts'

/** Zendesk allows 5,000 comments a ticket, a hundred a page. */
export const MOST_PAGES = 50

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

/** Where to go on, or null after the last page. */
export function nextPosition(
  page: CommentsPageFields,
  position: CommentsPosition,
  ticketId: TicketId,
): CommentsPosition | null {
  if (page.meta) {
    if (!page.meta.has_more) return null
    const after = page.meta.after_cursor
    const isStuck = !after || (position.kind === 'cursor' && position.after === after)
    if (!isStuck) return { kind: 'cursor', after }
    throw new ZendeskShapeError(
      `comments of ticket ${ticketId}: the cursor does not move although there are more pages`,
    )
  }
  if (!page.next_page) return null
  return { kind: 'numbered', page: position.kind === 'numbered' ? position.page + 1 : 2 }
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
      if (isPublicComment(comment)) this.#addPublic(comment, index)
      else this.#addPrivate(comment)
    }
    for (const { id, role } of page.users ?? []) {
      if (role === 'agent' || role === 'admin') this.#staff.add(id)
    }
  }

  result(): TicketComments {
    return {
      comments: [...this.#public.values()],
      privateCount: this.#private.size + this.#privateWithoutId,
      staffIds: this.#staff,
    }
  }

  #addPublic(comment: unknown, index: number): void {
    const what = `comments of ticket ${this.#ticketId}, entry ${index}`
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

function toComment(fields: PublicCommentFields): PublicComment {
  return {
    id: fields.id,
    public: fields.public,
    authorId: fields.author_id ?? null,
    at: toInstant(fields.created_at),
    text: commentText(fields),
    attachments: (fields.attachments ?? [])
      .filter((attachment) => attachment.deleted !== true)
      .map(({ file_name, content_type }) => ({
        fileName: file_name,
        contentType: content_type ?? null,
      })),
  }
}
