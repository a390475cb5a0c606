import { hash } from 'node:crypto'
import type { Transcript } from './transcript.ts'

/**
 * `sha256:…` over what a reader can see change. `updated_at` is left out: it moves with every
 * internal note and trigger, and equal content must publish nothing.
 */
export function contentHash({ ticket, turns }: Transcript): string {
  const { updated_at: _, ...content } = ticket
  const canonical = JSON.stringify([
    content.subject,
    content.status,
    content.priority,
    content.type,
    [...content.tags].sort(),
    content.group_id,
    content.channel,
    content.created_at,
    turns.map((turn) => [
      turn.comment_id,
      turn.role,
      turn.speaker,
      turn.at,
      turn.text,
      turn.attachments.map((attachment) => [attachment.file_name, attachment.content_type]),
    ]),
  ])
  return `sha256:${hash('sha256', canonical)}`
}
