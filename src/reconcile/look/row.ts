import type { KnownTicket } from '../../ticket/store.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'

/** The row of a ticket as our own rows know it: enough to judge by, nothing to publish. */
export function storedRow(known: KnownTicket): ExportedTicket {
  return {
    id: known.ticketId,
    generatedAt: known.generatedAt,
    createdAt: known.updatedAt,
    updatedAt: known.updatedAt,
    status: known.status,
    subject: null,
    priority: null,
    type: null,
    tags: known.tags,
    groupId: known.groupId,
    channel: null,
    isPublic: null,
    commentCount: null,
    isFresh: true,
  }
}

/** The same for a ticket that Zendesk does not have any more. */
export function goneRow(known: KnownTicket): ExportedTicket {
  return { ...storedRow(known), status: 'deleted' }
}
