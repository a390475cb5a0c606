import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { BudgetSpentError } from '../../platform/errors.ts'
import type { HeldTime } from '../../platform/held-time.ts'
import { pause } from '../../platform/lifecycle.ts'
import { zendeskLog as log } from '../../platform/log.ts'
import type { Family } from './family.ts'
import { type Ask, type Reservation, reservePermits } from './store.ts'
import { perSlot } from './window.ts'

/** A longer wait gives the worker back, so that others get their turn meanwhile. */
const LONGEST_SLEEP_MS = 20_000

/** The part of a slot's permits that one process may hold without knowing who will use them. */
const SPARE_SHARE = 1 / 8

/** With a shortened minute, slots would end before what they granted could be used. */
const SHORTEST_HOLD_MS = 100

/** Good for one request until this `performance.now()`. */
export interface Permit {
  readonly usableUntil: number
}

interface Waiter {
  readonly resolve: (permit: Permit) => void
  readonly reject: (reason: unknown) => void
}

/** Those of this process who wait for the same permits, first come first served. */
export class Line {
  readonly #db: Kysely<Database>
  readonly #ask: Omit<Ask, 'want' | 'seen'>
  readonly #takeSeen: () => NonNullable<Ask['seen']>
  readonly #held: HeldTime
  readonly #waiters = new Set<Waiter>()
  #isServed = false
  #nobodyWaits = new AbortController()
  #spare = 0
  #spareUntil = 0
  #takenAlong = 0
  #cap = 0
  /** Since when those in line have got nothing. */
  #hungrySince = 0

  constructor(
    db: Kysely<Database>,
    ask: Omit<Ask, 'want' | 'seen'>,
    { takeSeen, held }: { takeSeen: () => NonNullable<Ask['seen']>; held: HeldTime },
  ) {
    this.#db = db
    this.#ask = ask
    this.#takeSeen = takeSeen
    this.#held = held
  }

  get subdomain(): Subdomain {
    return this.#ask.subdomain
  }

  get family(): Family {
    return this.#ask.family
  }

  dropSpare(): void {
    this.#spare = 0
  }

  async take(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted()
    if (this.#spare > 0 && performance.now() < this.#spareUntil) {
      this.#spare -= 1
      return { usableUntil: this.#spareUntil }
    }
    return this.#wait(signal)
  }

  async #wait(signal: AbortSignal): Promise<Permit> {
    const { promise, resolve, reject } = Promise.withResolvers<Permit>()
    const waiter = { resolve, reject }
    const leave = (): void => {
      this.#waiters.delete(waiter)
      if (this.#waiters.size === 0) this.#nobodyWaits.abort()
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#waiters.add(waiter)
    if (!this.#isServed) void this.#serve()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  async #serve(): Promise<void> {
    this.#isServed = true
    this.#hungrySince = performance.now()
    try {
      while (this.#waiters.size > 0) {
        const want = this.#waiters.size + this.#takeAlong()
        const seen = this.#takeSeen()
        const askedAt = performance.now()
        const reservation = await reservePermits(this.#db, { ...this.#ask, want, seen })
        this.#cap = reservation.cap
        if (reservation.granted > 0) this.#handOut(reservation, askedAt)
        else await this.#sleep(reservation)
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.reject(error)
      this.#waiters.clear()
    } finally {
      this.#isServed = false
    }
  }

  #handOut({ granted, usableForMs }: Reservation, askedAt: number): void {
    const usableUntil = askedAt + Math.max(usableForMs, SHORTEST_HOLD_MS)
    let left = granted
    for (const waiter of this.#waiters) {
      if (left === 0) break
      left -= 1
      this.#waiters.delete(waiter)
      waiter.resolve({ usableUntil })
    }
    this.#spare = left
    this.#spareUntil = usableUntil
    this.#hungrySince = performance.now()
  }

  /** Twice as many as last time if those were used up, else as many as were; some may be wasted. */
  #takeAlong(): number {
    if (!Number.isFinite(this.#cap)) return 0
    const most = Math.floor(perSlot(this.#cap) * SPARE_SHARE)
    const used = Math.max(0, this.#takenAlong - this.#spare)
    this.#takenAlong = Math.min(most, this.#spare === 0 ? Math.max(1, used * 2) : used)
    return this.#takenAlong
  }

  async #sleep({ waitMs, waitsFor, cap, isBlocked }: Reservation): Promise<void> {
    if (this.#waiters.size === 0) return
    const { subdomain, minuteMs } = this.#ask
    // At three requests a minute or fewer the pace itself is slower than our patience. A run that is
    // given back spends its first permit on asking for its page again, so that sleeping two steps of
    // the pace is what gets such an account through a page at all.
    const longest = isBlocked ? LONGEST_SLEEP_MS : Math.max(LONGEST_SLEEP_MS, (2 * minuteMs) / cap)
    const boundedBy = isBlocked ? 'zendesk_limit' : 'quota_share'
    // Others in the same workers may be quicker each time, so what was waited already counts.
    const hungryMs = isBlocked ? 0 : performance.now() - this.#hungrySince
    if (hungryMs + waitMs > longest) {
      const why = isBlocked
        ? `the Zendesk account ${subdomain} asks to wait`
        : `our share of the ${waitsFor} limit of the Zendesk account ${subdomain} is spent`
      throw new BudgetSpentError(why, new Date(Date.now() + waitMs), boundedBy)
    }
    log.debug(
      { subdomain, waitsFor, waitMs: Math.round(waitMs), isBlocked },
      'waiting for a permit',
    )
    this.#nobodyWaits = new AbortController()
    this.#held.begin(boundedBy, performance.now())
    await pause(Math.max(1, waitMs), this.#nobodyWaits.signal)
    this.#held.end(boundedBy, performance.now())
  }
}
