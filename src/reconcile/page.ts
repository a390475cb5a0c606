import type { TicketOutcome } from '../../db/schema.ts'
import type { Cursor } from '../cursor/store.ts'
import type { IntegrationId, TicketId } from '../ids.ts'
import type { NewEntry } from '../outbox/entry.ts'
import { ZendeskShapeError } from '../platform/errors.ts'
import { fingerprint } from '../ticket/fingerprint.ts'
import type { TicketToSave } from '../ticket/store.ts'
import { sizeOf } from '../transcript/size.ts'
import type { ExportedTicket, TicketPage } from '../zendesk/types.ts'
import type { Change } from './settle/decide.ts'

/** One row a ticket: of a ticket that stands on the page twice the newest row counts. */
export function newestRows(tickets: readonly ExportedTicket[]): ExportedTicket[] {
  const newest = new Map<TicketId, ExportedTicket>()
  for (const ticket of tickets) {
    const earlier = newest.get(ticket.id)
    if (earlier === undefined || earlier.generatedAt <= ticket.generatedAt) {
      newest.set(ticket.id, ticket)
    }
  }
  return [...newest.values()]
}

export function newestInstant(tickets: readonly ExportedTicket[]): Date | null {
  if (tickets.length === 0) return null
  return new Date(tickets.reduce((newest, it) => Math.max(newest, it.generatedAt.toMillis()), 0))
}

/**
 * Whether starting again from the newest instant seen brings something else than the last start did.
 * Where it does not, all pages since then lie in one second, and reading them would never end.
 */
export function leadsOn({ startAt, generatedAt, endReachedAt }: Cursor): boolean {
  if (endReachedAt !== null) return true
  if (generatedAt === null) return false
  return Math.floor(generatedAt.toSeconds()) > Math.floor(startAt.toSeconds())
}

/** Throws for a page that leads back to where the cursor came by: following it would never end. */
export function assertForward(
  { landmark }: Cursor,
  { afterCursor, endOfStream }: TicketPage,
): void {
  if (endOfStream || afterCursor === null || afterCursor !== landmark) return
  throw new ZendeskShapeError(
    'ticket export: the cursors lead in a circle although the stream has not ended',
    { refusesCursor: true },
  )
}

/** More than this in one transaction would only be held in memory several times over. */
const PORTION_BYTES = 16_000_000

/** Cuts changes into portions that can be stored at once, at least one; a large change is one alone. */
export function cutBySize(changes: readonly Change[]): Change[][] {
  let portion: Change[] = []
  const portions = [portion]
  let bytes = 0
  for (const change of changes) {
    const size = change.kind === 'published' ? sizeOf(change.transcript) : 0
    if (portion.length > 0 && bytes + size > PORTION_BYTES) {
      portion = []
      portions.push(portion)
      bytes = 0
    }
    portion.push(change)
    bytes += size
  }
  return portions
}

export function outcomeOf(change: Change): TicketOutcome {
  return change.kind === 'unchanged' ? change.outcome : change.kind
}

export function toTicketRow(change: Change): TicketToSave {
  const { ticket } = change
  return {
    ticketId: ticket.id,
    generatedAt: ticket.generatedAt,
    updatedAt: ticket.updatedAt,
    status: ticket.status,
    tags: ticket.tags,
    groupId: ticket.groupId,
    fingerprint: fingerprint(ticket),
    commentCount: ticket.commentCount,
    outcome: outcomeOf(change),
    reason: 'reason' in change ? change.reason : null,
  }
}

/** What the changes tell downstream, in ticket order so that a page reads the same each time. */
export function toEntries(integrationId: IntegrationId, changes: readonly Change[]): NewEntry[] {
  const entries = changes.flatMap((change): NewEntry[] => {
    const ticketId = change.ticket.id
    if (change.kind === 'published') {
      const { revision, contentHash } = change
      return [{ type: 'transcript.published', integrationId, ticketId, revision, contentHash }]
    }
    if ('retraction' in change && change.retraction !== null) {
      return [{ type: 'transcript.retracted', integrationId, ticketId, ...change.retraction }]
    }
    return []
  })
  return entries.sort((a, b) => a.ticketId - b.ticketId)
}
