import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Subdomain } from '../../ids.ts'
import { type HeldMs, HeldTime } from '../../platform/held-time.ts'
import { type Family, familiesOf } from './family.ts'
import type { Told } from './headers.ts'
import { Line, type Permit } from './line-store.ts'
import { type Seen, blockBudget, saveLimit } from './store.ts'

/**
 * The share of one for whose answer a person waits: counted, so that the workers make up for it, and
 * held back by nothing but the account itself.
 */
export const WITHOUT_SHARE = Number.POSITIVE_INFINITY

export interface Spender {
  readonly subdomain: Subdomain
  readonly quotaShare: number
}

/** What an answer showed of a limit, with instants on the clock of this process. */
interface Sight extends Pick<Seen, 'used' | 'resetMs'> {
  readonly sentAt: number
  readonly receivedAt: number
}

/**
 * The permits to send a request. They come out of rows that all workers share; who waits for one
 * stands in line, and the line asks the rows once for all that stand in it. Under a large limit some
 * more are taken along, so that one look at the database serves many requests. What answers show of
 * the limits travels with the next look, and costs none of its own.
 */
export class Permits {
  readonly #db: Kysely<Database>
  readonly #minuteMs: number
  readonly #lines = new Map<string, Line>()
  readonly #held = new Map<string, HeldTime>()
  readonly #limits = new Map<string, number>()
  readonly #sights = new Map<string, Sight>()

  constructor(db: Kysely<Database>, minuteMs: number) {
    this.#db = db
    this.#minuteMs = minuteMs
  }

  /** Resolves when a request may be sent; throws `BudgetSpentError` if that would take too long. */
  async take(spender: Spender, family: Family, signal: AbortSignal): Promise<Permit> {
    return this.#line(spender, family).take(signal)
  }

  /** In all, how long requests of this spender were held back in this process. */
  heldMs(spender: Spender): HeldMs {
    return this.#heldTime(spender).read(performance.now())
  }

  /** Nobody sends to this account, or to this endpoint of it, for so long. */
  async block(subdomain: Subdomain, family: Family, ms: number): Promise<void> {
    await blockBudget(this.#db, subdomain, family, ms)
    for (const line of this.#lines.values()) {
      const isHit = line.subdomain === subdomain && familiesOf(line.family).includes(family)
      if (isHit) line.dropSpare()
    }
  }

  /**
   * Takes note of what the answer to a request told that was sent at this `performance.now()`. Only a
   * changed limit is written at once.
   */
  async learn(
    subdomain: Subdomain,
    told: Readonly<Partial<Record<Family, Told>>>,
    sentAt: number,
  ): Promise<void> {
    for (const family of ['account', 'incremental', 'comments'] as const) {
      const { limit, remaining, resetMs } = told[family] ?? {}
      const key = `${subdomain}/${family}`
      if (limit !== undefined && this.#limits.get(key) !== limit) {
        await saveLimit(this.#db, subdomain, family, limit)
        this.#limits.set(key, limit)
      }
      const total = limit ?? this.#limits.get(key)
      if (total === undefined || remaining === undefined) continue
      const receivedAt = performance.now()
      this.#sights.set(key, { used: total - remaining, resetMs, sentAt, receivedAt })
    }
  }

  #line(spender: Spender, family: Family): Line {
    const { subdomain, quotaShare } = spender
    const key = `${subdomain}/${family}/${quotaShare}`
    let line = this.#lines.get(key)
    if (line === undefined) {
      const ask = { subdomain, family, quotaShare, minuteMs: this.#minuteMs }
      const takeSeen = () => this.#takeSeen(subdomain, family)
      line = new Line(this.#db, ask, { takeSeen, held: this.#heldTime(spender) })
      this.#lines.set(key, line)
    }
    return line
  }

  #heldTime({ subdomain, quotaShare }: Spender): HeldTime {
    const key = `${subdomain}/${quotaShare}`
    const held = this.#held.get(key) ?? new HeldTime()
    this.#held.set(key, held)
    return held
  }

  /** What nobody has told the rows yet. */
  #takeSeen(subdomain: Subdomain, asked: Family): Partial<Record<Family, Seen>> {
    const seen: Partial<Record<Family, Seen>> = {}
    const now = performance.now()
    for (const family of familiesOf(asked)) {
      const key = `${subdomain}/${family}`
      const sight = this.#sights.get(key)
      if (sight === undefined) continue
      this.#sights.delete(key)
      const { sentAt, receivedAt, ...rest } = sight
      seen[family] = { ...rest, sentMsAgo: now - sentAt, receivedMsAgo: now - receivedAt }
    }
    return seen
  }
}
