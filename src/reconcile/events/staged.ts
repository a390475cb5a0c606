import { DateTime, FixedOffsetZone } from 'luxon'
import type { z } from 'zod'
import type { TicketId } from '../../ids.ts'
import { StoredTurn } from '../../transcript/transcript.ts'
import type { PublicComment } from '../../zendesk/types.ts'

/** A public comment as it waits for its ticket: a turn without its speaker, who is not known yet. */
export const StagedComment = StoredTurn.omit({ role: true, speaker: true })
export type StagedComment = z.infer<typeof StagedComment>

/** What an event of a ticket said, until the export shows the ticket. */
export interface StagedEvent {
  readonly ticketId: TicketId
  readonly at: DateTime
  readonly commentCount: number
  readonly mustConfirm: boolean
  readonly comments: readonly StagedComment[]
}

export function toStaged(comment: PublicComment): StagedComment {
  return {
    comment_id: comment.id,
    public: comment.public,
    author_id: comment.authorId,
    at: comment.at.toJSDate().toISOString(),
    text: comment.text,
    attachments: comment.attachments.map(({ fileName, contentType }) => ({
      file_name: fileName,
      content_type: contentType,
    })),
  }
}

/** Back again; a stored turn has all that it takes as well. */
export function toPublicComment(turn: StagedComment): PublicComment {
  return {
    id: turn.comment_id,
    public: turn.public,
    authorId: turn.author_id,
    at: DateTime.fromMillis(Date.parse(turn.at), { zone: FixedOffsetZone.utcInstance }),
    text: turn.text,
    attachments: turn.attachments.map(({ file_name, content_type }) => ({
      fileName: file_name,
      contentType: content_type,
    })),
  }
}
