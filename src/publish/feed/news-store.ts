import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { WorkspaceId } from '../../ids.ts'
import { readFeedEnds } from '../../outbox/store.ts'

/** The longest time in which a reader does not learn of what is published. */
const POLL_MS = 250

interface Waiter {
  readonly workspaceId: WorkspaceId
  readonly after: number
  readonly end: () => void
  readonly fail: (error: unknown) => void
}

/**
 * Waits for newer entries, on behalf of all readers of this process: one small statement in a while
 * asks for the feeds that somebody waits for, and none if nobody does. A notification of Postgres would
 * be sooner by some of that while, but lets the commits of the whole server pass one at a time.
 */
export class News {
  readonly #db: Kysely<Database>
  readonly #waiters = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined

  constructor(db: Kysely<Database>) {
    this.#db = db
  }

  /** Resolves when there is an entry beyond the number, or the signal aborts. */
  async beyond(workspaceId: WorkspaceId, after: number, until: AbortSignal): Promise<void> {
    if (until.aborted) return
    const news = Promise.withResolvers<void>()
    const end = (): void => news.resolve()
    const waiter = { workspaceId, after, end, fail: news.reject }
    this.#waiters.add(waiter)
    until.addEventListener('abort', end, { once: true })
    this.#pollLater()
    try {
      await news.promise
    } finally {
      until.removeEventListener('abort', end)
      this.#waiters.delete(waiter)
    }
  }

  #pollLater(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      void this.#poll().finally(() => {
        this.#timer = undefined
        if (this.#waiters.size > 0) this.#pollLater()
      })
    }, POLL_MS)
  }

  async #poll(): Promise<void> {
    const waiters = [...this.#waiters]
    if (waiters.length === 0) return
    try {
      const ids = new Set(waiters.map(({ workspaceId }) => workspaceId))
      const ends = await readFeedEnds(this.#db, [...ids])
      for (const { workspaceId, after, end } of waiters) {
        if ((ends.get(workspaceId) ?? 0) > after) end()
      }
    } catch (error) {
      for (const { fail } of waiters) fail(error)
    }
  }
}
