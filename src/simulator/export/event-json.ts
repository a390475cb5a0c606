import type { FieldChange, Occurrence } from '../mutation/occurrence.ts'
import type { Setting } from '../ticket/comment-json.ts'
import { commentJson, systemOf } from '../ticket/comment-json.ts'
import type { Comment } from '../ticket/comment.ts'
import { commentOf } from '../ticket/comment.ts'
import type { Ticket } from '../ticket/ticket.ts'
import { isoSeconds } from '../world/clock.ts'
import { auditId, laterAuditId } from '../world/ids.ts'
import { isStaffId, presentId } from '../world/user.ts'
import type { BaseEvent } from './base-events.ts'
import type { LaterEvent } from './later-events.ts'

type Json = Record<string, unknown>

/** At the level of an event `via` is a text for people, unlike anywhere else. */
const VIA: Readonly<Record<string, string>> = {
  email: 'Mail',
  web: 'Web form',
  api: 'Web service',
  mobile: 'Mobile',
  chat: 'Chat',
  voice: 'Phone call (incoming)',
  native_messaging: 'Messaging',
}

const FIELDS: Readonly<Record<FieldChange, string>> = {
  status_changed: 'status',
  subject_changed: 'subject',
  requester_changed: 'requester_id',
  group_assignment_changed: 'group_id',
}

/** The event that wrote a computed comment; the first of a ticket sets its fields as well. */
export function baseEventJson(
  setting: Setting,
  ticket: Ticket,
  event: BaseEvent,
  hasComments: boolean,
): Json {
  const comment = commentOf(setting.world, ticket, event.index)
  const id = auditId(ticket.id, event.index)
  const rest = event.index === 0 ? creation(ticket) : answer(comment)
  const children = rest.map((fields, place) => child(ticket, id + 1 + place, fields))
  const first = commentChild(setting, ticket, comment, id, hasComments)
  return eventJson(setting, ticket, id, event.at, comment.authorId, [first, ...children])
}

export function laterEventJson(
  setting: Setting,
  ticket: Ticket,
  event: LaterEvent,
  hasComments: boolean,
): Json {
  const id = laterAuditId(event.sequence)
  const children = event.occurrences.flatMap((occurrence, place) => {
    if (occurrence.type === 'comment_added') {
      const comment = commentOf(setting.world, ticket, occurrence.index)
      return [commentChild(setting, ticket, comment, id, hasComments)]
    }
    const fields = fieldsOf(setting, ticket, occurrence)
    return fields === null ? [] : [child(ticket, id + 1 + place, fields)]
  })
  return eventJson(setting, ticket, id, event.at, event.actorId, children)
}

function eventJson(
  setting: Setting,
  ticket: Ticket,
  id: number,
  at: number,
  updaterId: number,
  children: readonly Json[],
): Json {
  return {
    child_events: children,
    id,
    ticket_id: ticket.id,
    timestamp: at,
    created_at: isoSeconds(at),
    updater_id: presentId(setting.users, updaterId),
    via: viaText(ticket),
    system: systemOf(setting.world, updaterId),
    event_type: 'Audit',
  }
}

/**
 * Without the sideload a comment is only announced. With it the text comes along, and `public`
 * says what it was when it was written: that it was made private is a later event.
 */
function commentChild(
  setting: Setting,
  ticket: Ticket,
  comment: Comment,
  audit: number,
  hasText: boolean,
): Json {
  if (!hasText) {
    return {
      id: comment.id,
      via: viaText(ticket),
      via_reference_id: null,
      comment_present: true,
      comment_public: comment.isBornPublic,
      event_type: 'Comment',
    }
  }
  const { metadata: _, ...json } = commentJson(setting, ticket, comment)
  return {
    ...json,
    public: comment.isBornPublic,
    audit_id: audit,
    via_reference_id: null,
    event_type: 'Comment',
  }
}

function child(ticket: Ticket, id: number, fields: Json): Json {
  return { id, via: viaText(ticket), via_reference_id: null, ...fields }
}

function creation(ticket: Ticket): readonly Json[] {
  const fields: Json = {
    subject: ticket.subject,
    requester_id: ticket.requesterId,
    status: 'open',
    priority: ticket.priority,
    type: ticket.type,
    assignee_id: ticket.assigneeId,
    group_id: ticket.groupId,
  }
  const created = Object.entries(fields).map(([field, value]) => ({
    [field]: value,
    event_type: 'Create',
  }))
  return [...created, tagsChild(ticket.tags, ticket.tags, [], 'Create')]
}

function answer(comment: Comment): readonly Json[] {
  if (!comment.isBornPublic) return []
  const isStaff = isStaffId(comment.authorId)
  const status = isStaff ? 'pending' : 'open'
  return [{ status, previous_value: isStaff ? 'open' : 'pending', event_type: 'Change' }]
}

function fieldsOf(setting: Setting, ticket: Ticket, occurrence: Occurrence): Json | null {
  if ('current' in occurrence) {
    return {
      [FIELDS[occurrence.type]]: occurrence.current,
      previous_value: occurrence.previous,
      event_type: 'Change',
    }
  }
  if (occurrence.type === 'tags_changed') {
    return tagsChild(ticket.tags, occurrence.added, occurrence.removed, 'Change')
  }
  if ('index' in occurrence) return commentChange(setting, ticket, occurrence)
  return occurrence.type === 'created' ? { status: 'new', event_type: 'Create' } : null
}

function commentChange(
  setting: Setting,
  ticket: Ticket,
  occurrence: Extract<Occurrence, { index: number }>,
): Json | null {
  const comment_id = commentOf(setting.world, ticket, occurrence.index).id
  if (occurrence.type === 'comment_made_private') {
    return { comment_id, public: false, event_type: 'CommentPrivacyChange' }
  }
  if (occurrence.type === 'comment_redacted') {
    return { comment_id, event_type: 'CommentRedactionEvent' }
  }
  const isRedacted = occurrence.type === 'attachment_redacted_from_comment'
  return isRedacted ? { comment_id, event_type: 'AttachmentRedactionEvent' } : null
}

function tagsChild(
  tags: readonly string[],
  added: readonly string[],
  removed: readonly string[],
  event_type: string,
): Json {
  return { tags, added_tags: added, removed_tags: removed, event_type }
}

function viaText(ticket: Ticket): string {
  return VIA[ticket.channel] ?? 'Web service'
}
