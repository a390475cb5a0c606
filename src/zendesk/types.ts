import type { DateTime } from 'luxon'
import type { IntegrationId, Subdomain, TicketId } from '../ids.ts'

/** Whose Zendesk is read, and how much of its rate limits may be spent. */
export interface ZendeskAccount {
  readonly integrationId: IntegrationId
  readonly subdomain: Subdomain
  readonly quotaShare: number
  /**
   * Who gave the consent: the user behind all tokens of it. Zendesk numbers users over all accounts,
   * so that another user means another account. Null where that was never learnt: nothing is compared.
   */
  readonly userId: number | null
}

/** An account on the way to its consent, when there is nobody yet to compare with. */
export type Newcomer = Pick<ZendeskAccount, 'integrationId' | 'subdomain'>

/** A row of the incremental export. `description` is not here: it may be a private comment. */
export interface ExportedTicket {
  readonly id: TicketId
  readonly generatedAt: DateTime
  readonly createdAt: DateTime
  readonly updatedAt: DateTime
  readonly status: string
  readonly subject: string | null
  readonly priority: string | null
  readonly type: string | null
  readonly tags: readonly string[]
  readonly groupId: number | null
  readonly channel: string | null
  readonly isPublic: boolean | null
  /** Private ones included; null where the account does not tell. */
  readonly commentCount: number | null
  /** Read so soon after its last update that there may be another one of the same second. */
  readonly isFresh: boolean
}

/** One page of the export; a null cursor, only at the end of the stream, leaves the old one standing. */
export interface TicketPage {
  readonly tickets: readonly ExportedTicket[]
  readonly afterCursor: string | null
  readonly endOfStream: boolean
  /** What was asked for in the end: smaller than wished if Zendesk took too long over a page. */
  readonly pageSize: number
}

/** A comment that Zendesk calls public. There is no type for the other kind: it is only counted. */
export interface PublicComment {
  readonly id: number
  readonly public: true
  readonly authorId: number | null
  readonly at: DateTime
  readonly text: string
  readonly attachments: readonly Attachment[]
}

export interface Attachment {
  readonly fileName: string
  readonly contentType: string | null
}

/** What one event of a ticket says of its conversation. Of private comments there is only the number. */
export interface TicketEvent {
  readonly id: number
  readonly ticketId: TicketId
  readonly at: DateTime
  readonly comments: readonly PublicComment[]
  /** Comments that it wrote, private ones included. */
  readonly commentCount: number
  /** It changed comments that were there before, or is of no form that we know. */
  readonly mustConfirm: boolean
}

/** One page of the event stream, which is read on from `endAt`. */
export interface TicketEventPage {
  readonly events: readonly TicketEvent[]
  readonly endAt: Date
  readonly endOfStream: boolean
  readonly pageSize: number
}

/** All comments of a ticket, oldest first, and who of the authors is who. */
export interface TicketComments {
  readonly comments: readonly PublicComment[]
  readonly privateCount: number
  readonly staffIds: ReadonlySet<number>
}
