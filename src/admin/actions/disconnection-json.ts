import type { Disconnection } from '../../integration/disconnection/store.ts'

/** What an integration shows that was disconnected. */
export function endJson(disconnection: Disconnection) {
  return { disconnection: disconnectionJson(disconnection), erasure: erasureJson(disconnection) }
}

/** What has become of a disconnect; `action` where a person has to help. */
function disconnectionJson(disconnection: Disconnection) {
  const { requestedAt, purge, release, releaseAttempts, clearedAt, finishedAt } = disconnection
  return {
    requested_at: requestedAt.toISO(),
    purge,
    release,
    release_attempts: releaseAttempts,
    cleared_at: clearedAt?.toISO() ?? null,
    finished_at: finishedAt?.toISO() ?? null,
    action:
      release === 'given_up'
        ? 'Zendesk could not be reached to revoke the token: an administrator of the account should remove it there'
        : null,
  }
}

/** The receipt of a purge: what was erased, when, and a hash over it. Not whole before `finished_at`. */
function erasureJson(disconnection: Disconnection) {
  if (!disconnection.purge) return null
  const { requestedAt, retractedAt, finishedAt } = disconnection
  const { transcripts, revisions, tickets, hints, hash } = disconnection
  return {
    requested_at: requestedAt.toISO(),
    retracted_at: retractedAt?.toISO() ?? null,
    finished_at: finishedAt?.toISO() ?? null,
    transcripts,
    revisions,
    tickets,
    hints,
    hash: hash === '' ? null : hash,
  }
}
