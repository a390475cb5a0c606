import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { markReceived } from '../credential/webhook/delivery-store.ts'
import type { IntegrationId } from '../ids.ts'
import { webhookLog as log } from '../platform/log.ts'

/** An integration is written down at most once in this time. */
const EACH_MS = 5_000
/** Those who come within this time of each other are written in one statement. */
const GATHER_MS = 100

/** Writes down when deliveries last came in; nobody waits for it and no answer depends on it. */
export class Receipts implements AsyncDisposable {
  readonly #db: Kysely<Database>
  readonly #notedAt = new Map<IntegrationId, number>()
  #pending = new Set<IntegrationId>()
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(db: Kysely<Database>) {
    this.#db = db
  }

  note(id: IntegrationId): void {
    const now = performance.now()
    if (now - (this.#notedAt.get(id) ?? Number.NEGATIVE_INFINITY) < EACH_MS) return
    this.#notedAt.set(id, now)
    this.#pending.add(id)
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush()
    await this.#writing
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ids = [...this.#pending]
    this.#pending = new Set()
    this.#forgetOld()
    this.#writing = this.#writing.then(() => this.#write(ids))
  }

  async #write(ids: readonly IntegrationId[]): Promise<void> {
    if (ids.length === 0) return
    try {
      await markReceived(this.#db, ids)
    } catch (error) {
      log.debug({ err: error }, 'it was not written down that deliveries came in')
    }
  }

  #forgetOld(): void {
    const oldest = performance.now() - EACH_MS
    for (const [id, at] of this.#notedAt) if (at < oldest) this.#notedAt.delete(id)
  }
}
