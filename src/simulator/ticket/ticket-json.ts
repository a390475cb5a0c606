import { isoSeconds } from '../world/clock.ts'
import type { Setting } from './comment-json.ts'
import { supportAddress } from './comment-json.ts'
import { bodyOf } from '../text/comment-text.ts'
import { commentCount, commentOf, hasPublicComment } from './comment.ts'
import { mix, pick } from '../world/hash.ts'
import { BRAND_ID, CUSTOM_STATUS, FORM_ID, PLAN_FIELD_ID, TOPIC_FIELD_ID } from '../world/ids.ts'
import type { Ticket } from './ticket.ts'
import { presentId } from '../world/user.ts'
import { topicOf } from '../text/words.ts'

type Json = Record<string, unknown>

const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed']

/** A ticket as the REST API shows it. The exports add `generated_timestamp` and show deleted ones. */
export function ticketJson(setting: Setting, ticket: Ticket): Json {
  const isScrubbed = ticket.deletion === 'scrubbed'
  const subject = isScrubbed ? 'SCRUBBED' : ticket.subject
  const fields = isScrubbed ? [] : customFields(ticket)
  return {
    url: `${setting.base}/api/v2/tickets/${ticket.id}.json`,
    id: ticket.id,
    external_id: null,
    via: ticketVia(ticket),
    created_at: isoSeconds(ticket.createdAt),
    updated_at: isoSeconds(ticket.updatedAt),
    type: ticket.type,
    subject,
    raw_subject: subject,
    description: isScrubbed ? 'X' : descriptionOf(setting, ticket),
    priority: ticket.priority,
    status: ticket.deletion === 'none' ? ticket.status : 'deleted',
    recipient: ticket.channel === 'email' ? supportAddress(setting.world) : null,
    requester_id: presentId(setting.users, ticket.requesterId),
    submitter_id: presentId(setting.users, ticket.requesterId),
    assignee_id: ticket.assigneeId,
    organization_id: ticket.organizationId,
    group_id: ticket.groupId,
    collaborator_ids: [],
    follower_ids: [],
    email_cc_ids: [],
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: hasPublicComment(setting.world, ticket),
    due_at: null,
    tags: isScrubbed ? [] : ticket.tags,
    custom_fields: fields,
    satisfaction_rating: satisfaction(ticket),
    sharing_agreement_ids: [],
    custom_status_id: CUSTOM_STATUS + STATUSES.indexOf(ticket.status) + 1,
    encoded_id: encodedId(ticket),
    fields,
    followup_ids: ticket.followUpIds,
    ticket_form_id: FORM_ID,
    brand_id: BRAND_ID,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: ticket.channel === 'native_messaging',
    support_type: ticket.supportType,
  }
}

export function exportedTicketJson(setting: Setting, ticket: Ticket): Json {
  const json = ticketJson(setting, ticket)
  json['generated_timestamp'] = ticket.generatedAt
  return json
}

/** The text of the first comment, private or not: the trap in which careless readers step. */
function descriptionOf(setting: Setting, ticket: Ticket): string {
  if (commentCount(ticket) === 0) return ''
  return bodyOf(ticket, commentOf(setting.world, ticket, 0))
}

function ticketVia(ticket: Ticket): Json {
  const isFollowUp = ticket.followUpOf !== null
  const from = isFollowUp ? { ticket_id: ticket.followUpOf, subject: ticket.subject } : {}
  return {
    channel: ticket.channel,
    source: { from, to: {}, rel: isFollowUp ? 'follow_up' : null },
  }
}

function customFields(ticket: Ticket): readonly Json[] {
  return [
    { id: TOPIC_FIELD_ID, value: topicOf(ticket.hash).tag },
    {
      id: PLAN_FIELD_ID,
      value: pick(['starter', 'pro', 'enterprise', null], mix(ticket.hash, 80)),
    },
  ]
}

function satisfaction(ticket: Ticket): Json | null {
  const roll = mix(ticket.hash, 81) % 10
  if (roll < 6) return null
  return { score: pick(['unoffered', 'offered', 'good', 'bad'], roll) }
}

function encodedId(ticket: Ticket): string {
  const letters = ticket.hash.toString(36).toUpperCase().padStart(8, '0').slice(0, 8)
  return `${letters.slice(0, 6)}-${letters.slice(2)}`
}
