import { HISTORY_SLOTS, SLOTS_A_MINUTE, WINDOW_SLOTS, type Window } from './window.ts'

/**
 * What others spend of an account's limit. An answer tells how much of it is used in the minute that
 * Zendesk is counting in; what neither we were granted in that minute nor others are known to have
 * spent, others have spent since somebody looked last. It is noted in the slots since then and is
 * forgotten with them, a minute later.
 */
export interface Sighting {
  /** Requests of everybody in that minute. */
  readonly used: number
  /** Until the next minute begins, as told. */
  readonly resetMs: number | undefined
  /** Between these two instants Zendesk has counted; both are on the clock of the slots. */
  readonly sentAtMs: number
  readonly receivedAtMs: number
}

/** Zendesk tells the reset in whole seconds. */
const ROUNDING_MS = 1_000

/** So many slots may pass between a permit and the request that it is for. */
const LATE_SLOTS = 3

/** What was seen in less than a tenth of a minute says little of a whole one. */
const LEAST_LOOK_SLOTS = SLOTS_A_MINUTE / 10

/**
 * Notes in a window what a sighting tells of others. In doubt a request was ours: nobody else on the
 * account means that others have spent nothing, ever, and out-of-date sightings change nothing.
 */
export function noticeOthers(window: Window, sighting: Sighting, minuteMs: number): Window {
  const slotMs = minuteMs / SLOTS_A_MINUTE
  const indexAt = (ms: number): number => window.slot - Math.floor(ms / slotMs)
  const seenAt = Math.max(0, indexAt(sighting.receivedAtMs))
  if (seenAt >= WINDOW_SLOTS) return window
  const untilReset = resetWithin(sighting.resetMs, minuteMs)
  const beganAt = indexAt(sighting.receivedAtMs + untilReset - minuteMs)
  const earliestAt = indexAt(sighting.sentAtMs + untilReset - minuteMs - ROUNDING_MS)
  const ours = sum(window.granted.slice(seenAt, earliestAt + LATE_SLOTS + 1))
  const known = sum(window.others.slice(0, earliestAt + 1))
  const fresh = Math.max(0, sighting.used - ours - known)
  return {
    ...window,
    others: spread(window.others, fresh, seenAt, Math.min(beganAt, HISTORY_SLOTS - 1)),
  }
}

/** What others spend in a minute, if the parts at which somebody looked are like the rest. */
export function othersPerMinute(others: Window['others']): number {
  const looks = others.slice(0, WINDOW_SLOTS).filter((inSlot) => inSlot !== null)
  const slots = Math.max(looks.length, LEAST_LOOK_SLOTS)
  return Math.ceil((sum(looks) * SLOTS_A_MINUTE) / slots)
}

/** Without a reset that can be true the whole last minute counts, lest we take ourselves for others. */
function resetWithin(resetMs: number | undefined, minuteMs: number): number {
  return resetMs !== undefined && resetMs > 0 && resetMs <= minuteMs ? resetMs : 0
}

/** Evenly over the slots at which nobody has looked, from the newest back to the last look. */
function spread(
  others: Window['others'],
  fresh: number,
  newest: number,
  oldest: number,
): Window['others'] {
  let end = newest
  while (end <= oldest && others[end] === null) end += 1
  const noted = [...others]
  if (end === newest) {
    noted[newest] = (noted[newest] ?? 0) + fresh
    return noted
  }
  const slots = end - newest
  for (let index = newest; index < end; index++) {
    noted[index] = Math.floor((fresh + slots - 1 - (index - newest)) / slots)
  }
  return noted
}

function sum(slots: readonly (number | null)[]): number {
  return slots.reduce<number>((total, inSlot) => total + (inSlot ?? 0), 0)
}
