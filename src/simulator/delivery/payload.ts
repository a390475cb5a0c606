import { createHash } from 'node:crypto'
import type { Occurrence } from '../mutation/occurrence.ts'
import { bodyOf, htmlOf } from '../text/comment-text.ts'
import { commentCount, commentOf, hasPublicComment } from '../ticket/comment.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { isoSeconds } from '../world/clock.ts'
import { mix } from '../world/hash.ts'
import { attachmentId, BRAND_ID, CUSTOM_STATUS, FORM_ID } from '../world/ids.ts'
import type { Tickets } from '../world/tickets.ts'
import { isStaffId, userOf } from '../world/user.ts'

type Json = Record<string, unknown>

/** What an event says besides what happened: which one it is, and when. */
export interface EventFrame {
  readonly sequence: number
  readonly nowMs: number
}

/** Events name the channels in other words than the REST API. */
const CHANNELS: Readonly<Record<string, string>> = {
  email: 'mail',
  web: 'web_form',
  api: 'web_service',
  mobile: 'mobile_sdk',
}

/** The envelope of a ticket event: ids are strings, enums are upper case. */
export function ticketEvent(
  tickets: Tickets,
  ticket: Ticket,
  occurrence: Occurrence,
  frame: EventFrame,
): Json {
  const noise = mix(mix(ticket.hash, tickets.world.hash), frame.sequence)
  const happened = eventOf(tickets, ticket, occurrence)
  const isBare = Object.keys(happened).length === 0
  return {
    account_id: tickets.world.accountId,
    id: uuidOf(`${tickets.world.hash}|${frame.sequence}`),
    subject: `zen:ticket:${ticket.id}`,
    type: `zen:event-type:ticket.${occurrence.type}`,
    time: timeOf(frame.nowMs, noise),
    zendesk_event_version: '2022-11-06',
    detail: detailOf(tickets, ticket, occurrence.actorId, noise),
    event: isBare ? {} : { ...happened, meta: { sequence: sequenceOf(frame.sequence, noise) } },
  }
}

export function uuidOf(source: string): string {
  const digits = createHash('sha256').update(source).digest('hex')
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-')
}

function detailOf(tickets: Tickets, ticket: Ticket, actorId: number, noise: number): Json {
  const { world } = tickets
  const hasText = commentCount(ticket) > 0
  return {
    actor_id: String(actorId),
    assignee_id: idText(ticket.assigneeId, noise),
    brand_id: String(BRAND_ID),
    created_at: isoSeconds(ticket.createdAt),
    custom_status: String(CUSTOM_STATUS + 1),
    description: hasText ? bodyOf(ticket, commentOf(world, ticket, 0)) : '',
    external_id: null,
    form_id: String(FORM_ID),
    group_id: idText(ticket.groupId, noise),
    id: String(ticket.id),
    is_public: hasPublicComment(world, ticket),
    organization_id: idText(ticket.organizationId, noise),
    priority: ticket.priority?.toUpperCase() ?? null,
    requester_id: String(ticket.requesterId),
    status: statusOf(ticket),
    subject: ticket.subject,
    submitter_id: String(ticket.requesterId),
    tags: ticket.tags.length === 0 && noise % 2 === 0 ? null : ticket.tags,
    type: ticket.type?.toUpperCase() ?? null,
    updated_at: isoSeconds(ticket.updatedAt),
    via: { channel: CHANNELS[ticket.channel] ?? ticket.channel },
  }
}

function eventOf(tickets: Tickets, ticket: Ticket, occurrence: Occurrence): Json {
  if ('index' in occurrence) return { comment: commentOfEvent(tickets, ticket, occurrence) }
  if ('current' in occurrence) {
    return { current: valueText(occurrence.current), previous: valueText(occurrence.previous) }
  }
  if (occurrence.type === 'tags_changed') {
    return { tags_added: occurrence.added, tags_removed: occurrence.removed }
  }
  return occurrence.type === 'merged' ? { target_ticket_id: String(occurrence.into) } : {}
}

function commentOfEvent(
  tickets: Tickets,
  ticket: Ticket,
  occurrence: Extract<Occurrence, { index: number }>,
): Json {
  const { world, users } = tickets
  const comment = commentOf(world, ticket, occurrence.index)
  const id = String(comment.id)
  if (occurrence.type.startsWith('attachment')) {
    const attachment = attachmentId(comment.id, 0)
    return {
      id,
      attachment: {
        id: String(attachment),
        content_type: 'image/png',
        content_url: `https://${world.subdomain}.zendesk.com/attachments/token/${attachment}/`,
        filename: 'screenshot.png',
        is_public: comment.isPublic,
      },
    }
  }
  const author = userOf(world, users, comment.authorId)
  const body = bodyOf(ticket, comment)
  return {
    id,
    body,
    html_body: htmlOf(body),
    is_public: comment.isPublic,
    author: {
      id: String(comment.authorId),
      is_staff: isStaffId(comment.authorId),
      name: author?.name ?? '',
    },
  }
}

function statusOf(ticket: Ticket): string {
  if (ticket.deletion === 'none') return ticket.status.toUpperCase()
  return ticket.deletion === 'scrubbed' ? 'SCRUBBED' : 'DELETED'
}

/** A missing id has been seen as null, as an empty text and as zero. */
function idText(id: number | null, noise: number): string | null {
  if (id !== null) return String(id)
  return [null, '', '0'][noise % 3] ?? null
}

function valueText(value: string | number | null): string | null {
  if (value === null) return null
  return typeof value === 'number' ? String(value) : value
}

/** From no to nine digits behind the second. */
function timeOf(nowMs: number, noise: number): string {
  const digits = noise % 10
  const seconds = isoSeconds(Math.floor(nowMs / 1000)).slice(0, 19)
  const nanos = String((nowMs % 1000) * 1_000_000 + (noise % 1_000_000)).padStart(9, '0')
  return digits === 0 ? `${seconds}Z` : `${seconds}.${nanos.slice(0, digits)}Z`
}

/** Mostly a text, at times a bare number that no double holds. */
function sequenceOf(sequence: number, noise: number): Json {
  const id = 39_313_930_383_633_353_634_000_000n + BigInt(sequence)
  return { id: noise % 4 === 0 ? id : id.toString(), position: 1 }
}
