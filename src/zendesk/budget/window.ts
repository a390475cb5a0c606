/**
 * What may be sent in a minute, as a sliding window over sixtieths of it. A permit granted in a slot
 * is used within that slot, so that any minute on Zendesk's clock touches at most 61 of them; within
 * those never more than the cap is granted. Grants are spread over the minute at an even pace: who
 * waits waits for the next permit, not for the next minute.
 */

const SLOTS_A_MINUTE = 60
const WINDOW_SLOTS = SLOTS_A_MINUTE + 1

/** So many slots' worth may be granted at once: a small piece of work need not be paced. */
const BURST_SLOTS = 5

export interface Window {
  /** The newest slot, counted from the epoch. */
  readonly slot: number
  /** What was granted in each slot, the newest first. */
  readonly granted: readonly number[]
}

export interface Grant {
  readonly granted: number
  readonly window: Window
  /** When the slot ends in which the permits are to be used. */
  readonly usableUntilMs: number
  /** If nothing was granted: the first instant at which something can be. */
  readonly retryAtMs: number
}

export const emptyWindow: Window = { slot: 0, granted: [] }

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
  const current = moveTo(window, Math.floor(ask.nowMs / slotMs))
  const granted = Math.max(0, Math.min(ask.want, allowance(current.granted, ask.cap)))
  const [newest = 0, ...older] = current.granted
  return {
    granted,
    window: { slot: current.slot, granted: [newest + granted, ...older] },
    usableUntilMs: (current.slot + 1) * slotMs,
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
function moveTo(window: Window, slot: number): Window {
  const ahead = window.slot - slot
  if (ahead > WINDOW_SLOTS || -ahead >= WINDOW_SLOTS) return { slot, granted: zeros(WINDOW_SLOTS) }
  const granted = [...zeros(Math.max(0, -ahead)), ...window.granted, ...zeros(WINDOW_SLOTS)]
  return { slot: Math.max(slot, window.slot), granted: granted.slice(0, WINDOW_SLOTS) }
}

/** What the newest slot may still get: for each run of slots up to now, its share of the cap. */
function allowance(granted: readonly number[], cap: number): number {
  let least = cap
  let sum = 0
  for (const [index, inSlot] of granted.entries()) {
    sum += inSlot
    const share = Math.ceil(perSlot(cap) * (index + 1 + BURST_SLOTS))
    least = Math.min(least, Math.min(cap, share) - sum)
  }
  return least
}

function slotsToWait(granted: readonly number[], cap: number): number {
  for (let slots = 1; slots < WINDOW_SLOTS; slots++) {
    const later = [...zeros(slots), ...granted].slice(0, WINDOW_SLOTS)
    if (allowance(later, cap) > 0) return slots
  }
  return WINDOW_SLOTS
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
