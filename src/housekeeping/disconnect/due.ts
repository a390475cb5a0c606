import type { DateTime } from 'luxon'
import type { Disconnection } from '../../integration/disconnection/store.ts'

/** An hour of a Zendesk that cannot be reached. */
export const MOST_RELEASES = 7

/** Waits double, from one minute. */
export function isReleaseDue(
  { release, releaseAttempts, requestedAt }: Disconnection,
  now: DateTime,
): boolean {
  return release === 'pending' && now >= requestedAt.plus({ minutes: 2 ** releaseAttempts - 1 })
}
