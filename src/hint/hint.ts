import type { DateTime } from 'luxon'
import type { HintClass } from '../../db/schema.ts'
import type { IntegrationId, TicketId } from '../ids.ts'

/**
 * "Look at this ticket": what a push from Zendesk is to us. It may come late, twice, out of order or
 * not at all, so nothing depends on it: it only makes a look happen sooner than the next slot.
 */
export interface Hint {
  readonly integrationId: IntegrationId
  /** Zendesk's id of the event, the same over its retries. */
  readonly eventId: string
  readonly ticketId: TicketId
  /** Without its prefix: `comment_added`. */
  readonly type: string
  readonly occurredAt: DateTime
}

/** What may take words back: acted on at once, whatever the plan. */
const PRIVACY_TYPES: ReadonlySet<string> = new Set([
  'comment_made_private',
  'comment_redacted',
  'attachment_redacted_from_comment',
  'soft_deleted',
  'permanently_deleted',
  'marked_as_spam',
])

export function classOf(type: string): HintClass {
  return PRIVACY_TYPES.has(type) ? 'privacy' : 'content'
}

/**
 * Milliseconds from a hint to the look. A push can be faster than what the API shows; and several
 * changes of one ticket that come together are worth one look. Both stay under the minute, and the
 * two minutes of prompt freshness, within which the look is promised.
 */
export const LOOK_DELAY_MS: Readonly<Record<HintClass, number>> = {
  privacy: 10_000,
  content: 30_000,
}
