/**
 * The one clock of a simulator: real time since the start plus whatever a test advanced it by.
 * It never goes back, so a changed ticket is always later in the export than all before it.
 */
export interface Clock {
  readonly startedAt: number
  /** Length of the rate-limit minute and of the export's hidden last minute. */
  readonly minuteMs: number
  now(): number
  advance(ms: number): number
}

export function createClock(startedAt: number, minuteMs: number): Clock {
  const began = performance.now()
  let offset = 0
  const now = (): number => Math.floor(startedAt + performance.now() - began + offset)
  return {
    startedAt,
    minuteMs,
    now,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError('the clock only moves forward: expected ms >= 0')
      offset += ms
      return now()
    },
  }
}

/** Zendesk writes instants in whole seconds, UTC. */
export function isoSeconds(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
