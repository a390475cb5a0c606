/**
 * What may be sent in a minute, as a sliding window over parts of it. A permit granted in a slot is
 * at Zendesk within that slot or the next two, so that any minute on Zendesk's clock touches at most
 * three more slots than a minute has; within those never more than the cap is granted. Grants are
 * spread over the minute at an even pace: who waits waits for the next permit, not for the next
 * minute.
 */

/** The smaller the slots, the more of a cap is used: half seconds leave 2.5 % of it. */
export const SLOTS_A_MINUTE = 120
export const WINDOW_SLOTS = SLOTS_A_MINUTE + 3

/**
 * What an answer tells is about the minute that Zendesk was counting in, and is often read a good part of
 * a minute later: our own requests of that time must still be known, or they would be taken for others'.
 */
export const HISTORY_SLOTS = 2 * SLOTS_A_MINUTE + 3

/**
 * So many slots' worth may be granted at once, and in a row so much more than the even pace, to make
 * up for moments in which nobody asked. Three slots in a row are what a minute may miss of a cap that
 * is used up, so more would fall short of 95 % of it.
 */
const BURST_SLOTS = 2
const CATCH_UP = 1.1

/** Binary fractions miss decimal ones by a little, which must not be rounded up to a permit. */
const ROUNDING = 1e-9

export interface Window {
  /** The newest slot, counted from the epoch. */
  readonly slot: number
  /** What was granted in each slot, the newest first. */
  readonly granted: readonly number[]
  /** What others were seen to spend in each slot; null where nobody looked. */
  readonly others: readonly (number | null)[]
}

export interface Grant {
  readonly granted: number
  readonly window: Window
  /** When the permits are to be sent at the latest: a slot before they are to be at Zendesk. */
  readonly usableUntilMs: number
  /** If nothing was granted: the first instant at which something can be. */
  readonly retryAtMs: number
}

export function grant(
  window: Window,
  ask: {
    readonly nowMs: number
    readonly want: number
    readonly cap: number
    readonly minuteMs: number
  },
): Grant {
  const slotMs = ask.minuteMs / SLOTS_A_MINUTE
  const current = moveTo(window, ask.nowMs, ask.minuteMs)
  const granted = Math.max(0, Math.min(ask.want, allowance(current.granted, ask.cap)))
  const [newest = 0, ...older] = current.granted
  return {
    granted,
    window: { ...current, granted: [newest + granted, ...older] },
    usableUntilMs: (current.slot + 2) * slotMs,
    retryAtMs:
      granted > 0
        ? ask.nowMs
        : Math.ceil((current.slot + slotsToWait(current.granted, ask.cap)) * slotMs),
  }
}

/** Permits of a minute that one slot gets at an even pace. */
export function perSlot(cap: number): number {
  return cap / SLOTS_A_MINUTE
}

/** Slots move on with time. A clock that was set back waits where it is, unless it is far off. */
export function moveTo(window: Window, nowMs: number, minuteMs: number): Window {
  const slot = Math.floor((nowMs * SLOTS_A_MINUTE) / minuteMs)
  const ahead = window.slot - slot
  if (ahead > HISTORY_SLOTS || -ahead >= HISTORY_SLOTS) {
    return { slot, granted: repeat(0, HISTORY_SLOTS), others: repeat(null, HISTORY_SLOTS) }
  }
  const passed = Math.max(0, -ahead)
  return {
    slot: Math.max(slot, window.slot),
    granted: shift(window.granted, passed, 0),
    others: shift(window.others, passed, null),
  }
}

function shift<T>(slots: readonly T[], passed: number, empty: T): T[] {
  const moved = [...repeat(empty, passed), ...slots, ...repeat(empty, HISTORY_SLOTS)]
  return moved.slice(0, HISTORY_SLOTS)
}

/** What the newest slot may still get: for each run of slots up to now, its share of the cap. */
function allowance(granted: readonly number[], cap: number): number {
  let least = cap
  let sum = 0
  for (const [index, inSlot] of granted.slice(0, WINDOW_SLOTS).entries()) {
    sum += inSlot
    const share = Math.ceil(perSlot(cap) * (CATCH_UP * (index + 1) + BURST_SLOTS) - ROUNDING)
    least = Math.min(least, Math.min(cap, share) - sum)
  }
  return least
}

function slotsToWait(granted: readonly number[], cap: number): number {
  for (let slots = 1; slots < WINDOW_SLOTS; slots++) {
    if (allowance(shift(granted, slots, 0), cap) > 0) return slots
  }
  return WINDOW_SLOTS
}

function repeat<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value)
}
