/** Events of Zendesk that say that a ticket may read otherwise than before, without their prefix. */
const TICKET_TYPES = [
  'created',
  'comment_added',
  'comment_made_private',
  'comment_redacted',
  'attachment_linked_to_comment',
  'attachment_redacted_from_comment',
  'status_changed',
  'merged',
  'soft_deleted',
  'permanently_deleted',
  'undeleted',
  'marked_as_spam',
  'requester_changed',
  'subject_changed',
  'tags_changed',
  'group_assignment_changed',
] as const

/** What a webhook subscribes to. */
export const EVENT_SUBSCRIPTIONS: readonly string[] = TICKET_TYPES.map(
  (type) => `zen:event-type:ticket.${type}`,
)

/** Not subscribed to, for a messaging ticket tells its messages as comments too; taken if it comes. */
const MESSAGE_ADDED = 'zen:event-type:messaging_ticket.message_added'

const HINT_TYPES: ReadonlyMap<string, string> = new Map([
  ...TICKET_TYPES.map((type) => [`zen:event-type:ticket.${type}`, type] as const),
  [MESSAGE_ADDED, 'message_added'],
])

/** The type of the hint that an event of this type is; undefined: it means nothing to us. */
export function hintTypeOf(eventType: string): string | undefined {
  return HINT_TYPES.get(eventType)
}
