import { hash } from 'node:crypto'
import type { ExportedTicket } from '../zendesk/types.ts'

/**
 * Over all of a row that a reader could see change, or that decides whether a ticket is in scope. The
 * export shows tickets again for reasons of Zendesk's own, thousands at once after a bulk change: a
 * row whose `updated_at` and fingerprint stayed tells nothing new, and costs no request. The number
 * of comments belongs to it, private ones included: a word more is a comment more. Updates count
 * seconds, so a row that is fresh may not be the last one of its second: it is like no other.
 */
export function fingerprint(ticket: ExportedTicket): string {
  if (ticket.isFresh) return ''
  const canonical = JSON.stringify([
    ticket.subject,
    ticket.status,
    ticket.priority,
    ticket.type,
    [...ticket.tags].sort(),
    ticket.groupId,
    ticket.channel,
    ticket.isPublic,
    ticket.commentCount,
  ])
  return hash('sha256', canonical, 'base64url').slice(0, 22)
}
