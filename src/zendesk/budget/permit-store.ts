import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { BudgetSpentError } from '../../platform/errors.ts'
import { pause } from '../../platform/lifecycle.ts'
import { zendeskLog as log } from '../../platform/log.ts'
import { type Family, familiesOf } from './family.ts'
import { type Ask, type Reservation, blockBudget, reservePermits, saveLimit } from './store.ts'
import { perSlot } from './window.ts'

/** A longer wait gives the worker back, so that others get their turn meanwhile. */
const LONGEST_SLEEP_MS = 20_000

/** The part of a slot's permits that one process may hold without knowing who will use them. */
const SPARE_SHARE = 1 / 8

/** With a shortened minute, slots would end before what they granted could be used. */
const SHORTEST_HOLD_MS = 100

/**
 * The share of one for whose answer a person waits: counted, so that the workers make up for it, and
 * held back by nothing but the account itself.
 */
export const WITHOUT_SHARE = Number.POSITIVE_INFINITY

export interface Spender {
  readonly subdomain: Subdomain
  readonly quotaShare: number
}

/**
 * The permits to send a request. They come out of rows that all workers share; who waits for one
 * stands in line, and the line asks the row once for all that stand in it. Under a large limit some
 * more are taken along, so that one look at the database serves many requests.
 */
export class Permits {
  readonly #db: Kysely<Database>
  readonly #minuteMs: number
  readonly #lines = new Map<string, Line>()
  readonly #limits = new Map<string, number>()

  constructor(db: Kysely<Database>, minuteMs: number) {
    this.#db = db
    this.#minuteMs = minuteMs
  }

  /** Resolves when a request may be sent; throws `BudgetSpentError` if that would take too long. */
  async take(spender: Spender, family: Family, signal: AbortSignal): Promise<void> {
    await this.#line(spender, family).take(signal)
  }

  /** Nobody sends to this account, or asks it for exports, for so long. */
  async block(subdomain: Subdomain, family: Family, ms: number): Promise<void> {
    await blockBudget(this.#db, subdomain, family, ms)
    for (const line of this.#lines.values()) {
      const isHit = line.subdomain === subdomain && familiesOf(line.family).includes(family)
      if (isHit) line.dropSpare()
    }
  }

  /** Takes note of a limit; only a changed one is written. */
  async learn(subdomain: Subdomain, limits: Partial<Record<Family, number>>): Promise<void> {
    for (const family of familiesOf('incremental')) {
      const limit = limits[family]
      const key = `${subdomain}/${family}`
      if (limit === undefined || this.#limits.get(key) === limit) continue
      await saveLimit(this.#db, subdomain, family, limit)
      this.#limits.set(key, limit)
    }
  }

  #line({ subdomain, quotaShare }: Spender, family: Family): Line {
    const key = `${subdomain}/${family}/${quotaShare}`
    let line = this.#lines.get(key)
    if (line === undefined) {
      const ask = { subdomain, family, quotaShare, minuteMs: this.#minuteMs }
      line = new Line(this.#db, ask)
      this.#lines.set(key, line)
    }
    return line
  }
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Those of this process who wait for the same permits, first come first served. */
class Line {
  readonly #db: Kysely<Database>
  readonly #ask: Omit<Ask, 'want'>
  readonly #waiters = new Set<Waiter>()
  #isServed = false
  #nobodyWaits = new AbortController()
  #spare = 0
  #spareUntilMs = 0
  #takenAlong = 0
  #cap = 0

  constructor(db: Kysely<Database>, ask: Omit<Ask, 'want'>) {
    this.#db = db
    this.#ask = ask
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

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#spare > 0 && Date.now() < this.#spareUntilMs) {
      this.#spare -= 1
      return
    }
    await this.#wait(signal)
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
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
      await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  async #serve(): Promise<void> {
    this.#isServed = true
    try {
      while (this.#waiters.size > 0) {
        const want = this.#waiters.size + this.#takeAlong()
        const reservation = await reservePermits(this.#db, { ...this.#ask, want })
        this.#cap = reservation.cap
        if (reservation.granted > 0) this.#handOut(reservation)
        else await this.#sleep(reservation)
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.reject(error)
      this.#waiters.clear()
    } finally {
      this.#isServed = false
    }
  }

  #handOut({ granted, usableForMs }: Reservation): void {
    let left = granted
    for (const waiter of this.#waiters) {
      if (left === 0) break
      left -= 1
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
    this.#spare = left
    this.#spareUntilMs = Date.now() + Math.max(usableForMs, SHORTEST_HOLD_MS)
  }

  /** Twice as many as last time if those were used up, else as many as were; some may be wasted. */
  #takeAlong(): number {
    if (this.#ask.quotaShare === WITHOUT_SHARE) return 0
    const most = Math.floor(perSlot(this.#cap) * SPARE_SHARE)
    const used = Math.max(0, this.#takenAlong - this.#spare)
    this.#takenAlong = Math.min(most, this.#spare === 0 ? Math.max(1, used * 2) : used)
    return this.#takenAlong
  }

  async #sleep({ waitMs, cap, isBlocked }: Reservation): Promise<void> {
    if (this.#waiters.size === 0) return
    const { subdomain, family, minuteMs } = this.#ask
    // At a few requests a minute the pace itself is slower than our patience: sleeping two steps of
    // it is what gets such an account through a page at all.
    const longest = isBlocked ? LONGEST_SLEEP_MS : Math.max(LONGEST_SLEEP_MS, (2 * minuteMs) / cap)
    if (waitMs > longest) {
      const why = isBlocked
        ? `the Zendesk account ${subdomain} asks to wait`
        : `our share of the ${family} limit of the Zendesk account ${subdomain} is spent`
      throw new BudgetSpentError(why, new Date(Date.now() + waitMs))
    }
    log.debug({ subdomain, family, waitMs: Math.round(waitMs), isBlocked }, 'waiting for a permit')
    this.#nobodyWaits = new AbortController()
    await pause(Math.max(1, waitMs), this.#nobodyWaits.signal)
  }
}
