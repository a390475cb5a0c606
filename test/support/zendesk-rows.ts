import { DateTime } from 'luxon'
import { TicketId } from '../../src/ids.ts'
import type { ExportedTicket, PublicComment, TicketComments } from '../../src/zendesk/types.ts'

export function at(iso: string): DateTime {
  return DateTime.fromISO(iso, { zone: 'utc' })
}

export function aTicket(fields: Partial<ExportedTicket> = {}): ExportedTicket {
  return {
    id: TicketId.parse(42),
    generatedAt: at('2026-01-02T00:00:05Z'),
    createdAt: at('2026-01-01T00:00:00Z'),
    updatedAt: at('2026-01-02T00:00:00Z'),
    status: 'open',
    subject: 'The export fails',
    priority: null,
    type: null,
    tags: ['billing'],
    groupId: 7,
    channel: 'email',
    isPublic: true,
    commentCount: 1,
    isFresh: false,
    ...fields,
  }
}

export function aComment(fields: Partial<PublicComment> = {}): PublicComment {
  return {
    id: 911,
    public: true,
    authorId: 1,
    at: at('2026-01-01T00:00:00Z'),
    text: 'It fails',
    attachments: [],
    ...fields,
  }
}

export function commentsRead(
  comments: readonly PublicComment[],
  staffIds: readonly number[] = [],
): TicketComments {
  return { comments, privateCount: 0, staffIds: new Set(staffIds) }
}
