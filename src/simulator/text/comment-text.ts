import type { Comment } from '../ticket/comment.ts'
import { mix, pick } from '../world/hash.ts'
import { isStaffId } from '../world/user.ts'
import { SYSTEM_AUTHOR } from '../world/ids.ts'
import {
  AGENT_REPLIES,
  ASIDES,
  CLOSINGS,
  FIRST_NAMES,
  PRIVATE_NOTES,
  PRIVATE_OPENINGS,
} from './replies.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { fill, topicOf } from './words.ts'

/** The character that Zendesk leaves in the place of each redacted one. */
export const REDACTED = '▇'

/** The text of a comment as it was typed, with its token, after what was redacted later. */
export function bodyOf(ticket: Ticket, comment: Comment): string {
  const body = `${writtenBody(ticket, comment)}\n\nRef ${comment.token}`
  if (comment.edit === null) return body
  return comment.edit.redactions.reduce(
    (text, secret) => text.replaceAll(secret, REDACTED.repeat(secret.length)),
    body,
  )
}

export function writtenBody(ticket: Ticket, comment: Comment): string {
  const added = ticket.added[comment.index - ticket.baseComments]
  if (added !== undefined) return added.text
  if (comment.authorId === SYSTEM_AUTHOR) return systemText(ticket, comment)
  const hash = mix(mix(ticket.hash, 60), comment.index)
  const text = fill(pick(templatesFor(ticket, comment), hash), ticket.hash)
  const closing = pick(CLOSINGS, mix(hash, 61))
  const written = closing === '' ? text : `${text}\n\n${closing}`
  // A few comments lost a card number to a redaction before the import starts.
  return hash % 60 === 0 ? `${written}\n\nCard number: ${REDACTED.repeat(16)}` : written
}

function templatesFor(ticket: Ticket, comment: Comment): readonly string[] {
  const isStaff = isStaffId(comment.authorId)
  if (!comment.isBornPublic) return comment.index === 0 ? PRIVATE_OPENINGS : PRIVATE_NOTES
  if (isStaff) return AGENT_REPLIES
  if (comment.index === 0) return topicOf(ticket.hash).openings
  const isRequester = comment.authorId === ticket.requesterId
  return isRequester ? topicOf(ticket.hash).followUps : ASIDES
}

function systemText(ticket: Ticket, comment: Comment): string {
  if (!comment.isBornPublic) {
    return `Conversation with Web User ${ticket.hash.toString(16)}\n\nThe conversation is in progress.`
  }
  const agent = pick(FIRST_NAMES, mix(ticket.hash, 62))
  const question = fill(pick(topicOf(ticket.hash).openings, mix(ticket.hash, 63)), ticket.hash)
  const reply = fill(pick(AGENT_REPLIES, mix(ticket.hash, 64)), ticket.hash)
  return [
    `(10:01:12) Web User ${ticket.hash.toString(16)}: ${question}`,
    `(10:03:40) ${agent}: ${reply}`,
    `(10:04:02) Web User ${ticket.hash.toString(16)}: ok, thanks`,
  ].join('\n')
}

export function htmlOf(body: string): string {
  const paragraphs = escapeHtml(body)
    .split('\n\n')
    .map((paragraph) => `<p dir="auto">${paragraph.replaceAll('\n', '<br>')}</p>`)
  return `<div class="zd-comment" dir="auto">${paragraphs.join('')}</div>`
}

/** Zendesk's stripped text: line breaks collapse, some spaces are non-breaking entities. */
export function plainOf(body: string, hasEntities: boolean): string {
  const plain = body.replaceAll(/\n+/g, '\n')
  return hasEntities ? plain.replaceAll('. ', '.&nbsp;') : plain
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
