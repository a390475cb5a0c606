/**
 * What work waits for: silence that a Zendesk account asked for, our share of its limit, or the
 * database.
 */
export type Bound = 'zendesk_limit' | 'quota_share' | 'database'

/** Milliseconds that work was held back, by what held it back. */
export type HeldMs = Readonly<Record<Bound, number>>

const NOTHING_HELD: HeldMs = { zendesk_limit: 0, quota_share: 0, database: 0 }

/** Of several at once, the first one counts: lifting the others would change nothing. */
const BOUNDS: readonly Bound[] = ['zendesk_limit', 'quota_share', 'database']

/**
 * Measures for how long something is held back, by the clock on the wall: however many wait at the
 * same time, a second in which any of them does is one second. Instants come from the caller, of one
 * clock that never goes back.
 */
export class HeldTime {
  readonly #ms: Record<Bound, number> = { ...NOTHING_HELD }
  readonly #waiting: Record<Bound, number> = { ...NOTHING_HELD }
  #countedTo = 0

  begin(bound: Bound, nowMs: number): void {
    this.#count(nowMs)
    this.#waiting[bound] += 1
  }

  end(bound: Bound, nowMs: number): void {
    this.#count(nowMs)
    this.#waiting[bound] -= 1
  }

  /** In all, what is still held back included. */
  read(nowMs: number): HeldMs {
    this.#count(nowMs)
    return { ...this.#ms }
  }

  #count(nowMs: number): void {
    const bound = BOUNDS.find((it) => this.#waiting[it] > 0)
    if (bound !== undefined) this.#ms[bound] += nowMs - this.#countedTo
    this.#countedTo = nowMs
  }
}

export function sumOf(held: HeldMs): number {
  return BOUNDS.reduce((sum, bound) => sum + held[bound], 0)
}

export function addHeld(a: HeldMs, b: HeldMs, sign: 1 | -1 = 1): HeldMs {
  return {
    zendesk_limit: a.zendesk_limit + sign * b.zendesk_limit,
    quota_share: a.quota_share + sign * b.quota_share,
    database: a.database + sign * b.database,
  }
}

export function roundHeld({ zendesk_limit: limit, quota_share: share, database }: HeldMs): HeldMs {
  return {
    zendesk_limit: Math.round(limit),
    quota_share: Math.round(share),
    database: Math.round(database),
  }
}
