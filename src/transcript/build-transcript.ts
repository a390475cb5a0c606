import type { DateTime } from 'luxon'
import type { ExportedTicket, PublicComment, TicketComments } from '../zendesk/types.ts'
import type { Role, StoredTicket, StoredTurn, Transcript } from './transcript.ts'

/** Zendesk's author of chat transcripts and of what no person wrote. */
const SYSTEM_AUTHOR = -1

/** The public conversation of a ticket, oldest comment first. */
export function buildTranscript(ticket: ExportedTicket, read: TicketComments): Transcript {
  const nameSpeaker = speakerNames()
  const turns = [...read.comments]
    .sort((a, b) => a.at.toMillis() - b.at.toMillis() || a.id - b.id)
    .map((comment): StoredTurn => {
      const role = roleOf(comment, read.staffIds)
      return {
        comment_id: comment.id,
        public: comment.public,
        author_id: comment.authorId,
        role,
        speaker: nameSpeaker(role, comment.authorId),
        at: instant(comment.at),
        text: comment.text,
        attachments: comment.attachments.map(({ fileName, contentType }) => ({
          file_name: fileName,
          content_type: contentType,
        })),
      }
    })
  return { ticket: storedTicket(ticket), turns }
}

function storedTicket(ticket: ExportedTicket): StoredTicket {
  return {
    subject: ticket.subject,
    status: ticket.status,
    priority: ticket.priority,
    type: ticket.type,
    tags: [...ticket.tags],
    group_id: ticket.groupId,
    channel: ticket.channel,
    created_at: instant(ticket.createdAt),
    updated_at: instant(ticket.updatedAt),
  }
}

/** An author whom the sideload does not know any more (deleted, merged) was an end user in most cases. */
function roleOf(comment: PublicComment, staffIds: ReadonlySet<number>): Role {
  if (comment.authorId === null || comment.authorId === SYSTEM_AUTHOR) return 'system'
  return staffIds.has(comment.authorId) ? 'agent' : 'customer'
}

/** Numbers the speakers of each role by first appearance: `customer-1`, `agent-1`, `customer-2`. */
function speakerNames(): (role: Role, authorId: number | null) => string {
  const numbers = new Map<string, number>()
  const counts = new Map<Role, number>()
  return (role, authorId) => {
    const key = `${role}/${authorId}`
    const number = numbers.get(key) ?? (counts.get(role) ?? 0) + 1
    if (!numbers.has(key)) {
      numbers.set(key, number)
      counts.set(role, number)
    }
    return `${role}-${number}`
  }
}

/** `2026-01-01T00:00:00Z`: UTC, whole seconds, as Zendesk writes them. */
function instant(at: DateTime): string {
  return `${at.toJSDate().toISOString().slice(0, 19)}Z`
}
