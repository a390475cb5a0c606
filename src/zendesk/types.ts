import type { DateTime } from 'luxon'
import type { IntegrationId, Subdomain, TicketId } from '../ids.ts'

/** Whose Zendesk is read, and how much of its rate limits may be spent. */
export interface ZendeskAccount {
  readonly integrationId: IntegrationId
  readonly subdomain: Subdomain
  readonly quotaShare: number
}

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

/** All comments of a ticket, oldest first, and who of the authors is who. */
export interface TicketComments {
  readonly comments: readonly PublicComment[]
  readonly privateCount: number
  readonly staffIds: ReadonlySet<number>
}
