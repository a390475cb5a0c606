import type { StoredTurn } from './transcript.ts'

/**
 * Whether the newest turns of a transcript still say all that earlier ones said: each comment is
 * there, in the same words, with the same attachments. Words that have come to it take nothing back,
 * and neither do new names of roles and speakers. Where a text differs at all, something was taken
 * out of it: Zendesk's comments change in no other way.
 */
export function isStillSaid(
  earlier: readonly StoredTurn[],
  newest: readonly StoredTurn[],
): boolean {
  const said = new Map(newest.map((turn) => [turn.comment_id, turn]))
  return earlier.every((turn) => {
    const now = said.get(turn.comment_id)
    return now !== undefined && now.text === turn.text && keepsAttachments(turn, now)
  })
}

function keepsAttachments(earlier: StoredTurn, newest: StoredTurn): boolean {
  return earlier.attachments.every(({ file_name: name, content_type: type }) =>
    newest.attachments.some((it) => it.file_name === name && it.content_type === type),
  )
}
