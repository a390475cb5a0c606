import { type KeyObject, createSecretKey } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import {
  type DeliveryTerms,
  pinAccount,
  readDeliveryTerms,
} from '../../credential/webhook/delivery-store.ts'
import { PUBLIC_TEST_SECRET } from '../../credential/webhook/test-secret.ts'
import type { IntegrationId } from '../../ids.ts'
import { Batcher } from '../../platform/batch/batcher.ts'
import type { CredentialError } from '../../platform/errors.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { webhookLog as log } from '../../platform/log.ts'
import { Memory } from './memory.ts'

/** What is known of an integration before a delivery to it is looked at. */
export type Terms =
  | { readonly kind: 'key'; readonly key: KeyObject; readonly accountId: number | null }
  | { readonly kind: 'nobody' }
  /** There is nothing to check a signature with: all are wrong. */
  | { readonly kind: 'no key' }
  | { readonly kind: 'sealed'; readonly error: CredentialError }

/** Some hundred bytes each; more integrations than one service has. */
const MOST_KNOWN = 40_000
/** Ids that name nothing, remembered apart, so that a flood of them drives nothing else out. */
const MOST_STRANGERS = 20_000

/** While changes are announced to us; an announcement that got lost does no harm for longer. */
const TRUSTED_MS = 60_000
/** While we cannot hear them. */
const TRUSTED_DEAF_MS = 3_000

interface Load {
  readonly terms: Promise<Terms>
  isOutdated: boolean
}

export interface TermsDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
  readonly production: boolean
  /** Whether changes are announced to us now. */
  readonly isListening: () => boolean
}

/**
 * Keeps at hand what deliveries are checked against. What is not known is read from the database, all
 * that is asked for meanwhile in one statement, with never more than one statement under way: a flood
 * of ids that nobody has costs no more than that.
 */
export class TermsStore {
  readonly #deps: TermsDeps
  readonly #known = new Memory<Terms>(MOST_KNOWN)
  readonly #strangers = new Memory<Terms>(MOST_STRANGERS)
  readonly #loads = new Map<string, Load>()
  readonly #pins = new Map<string, Promise<number | undefined>>()
  readonly #refused = new Set<string>()
  readonly #reader: Batcher<IntegrationId, Terms>

  constructor(deps: TermsDeps) {
    this.#deps = deps
    this.#reader = new Batcher({
      work: (ids) => this.#read(ids),
      laneOf: (id) => id,
      capacity: 5_000,
      batchSize: 500,
      mostInFlight: 1,
      longestWaitMs: 3_000,
    })
  }

  find(id: IntegrationId): Promise<Terms> | Terms {
    const trustedMs = this.#deps.isListening() ? TRUSTED_MS : TRUSTED_DEAF_MS
    const notBefore = performance.now() - trustedMs
    const kept = this.#known.get(id, notBefore) ?? this.#strangers.get(id, notBefore)
    return kept ?? this.#loads.get(id)?.terms ?? this.#load(id)
  }

  /** The account that deliveries have to come from, now that one has come from this one. */
  async pin(id: IntegrationId, accountId: number): Promise<number | undefined> {
    const earlier = this.#pins.get(id)
    if (earlier !== undefined) return earlier
    const pin = pinAccount(this.#deps.db, id, accountId).finally(() => {
      this.#pins.delete(id)
      this.forget(id)
    })
    this.#pins.set(id, pin)
    return pin
  }

  /** What is being read may be older than the change that this is called for: it is read again. */
  forget(id: string): void {
    this.#known.forget(id)
    this.#strangers.forget(id)
    const load = this.#loads.get(id)
    if (load !== undefined) load.isOutdated = true
  }

  forgetAll(): void {
    this.#known.forgetAll()
    this.#strangers.forgetAll()
    for (const load of this.#loads.values()) load.isOutdated = true
  }

  #load(id: IntegrationId): Promise<Terms> {
    const load: Load = { terms: this.#readUntilCurrent(id), isOutdated: false }
    this.#loads.set(id, load)
    return load.terms
  }

  async #readUntilCurrent(id: IntegrationId): Promise<Terms> {
    try {
      for (;;) {
        const since = performance.now()
        const terms = await this.#reader.submit(id)
        const load = this.#loads.get(id)
        if (load?.isOutdated === true) {
          load.isOutdated = false
          continue
        }
        const memory = terms.kind === 'nobody' ? this.#strangers : this.#known
        memory.set(id, terms, since)
        return terms
      }
    } finally {
      this.#loads.delete(id)
    }
  }

  async #read(ids: readonly IntegrationId[]): Promise<PromiseFulfilledResult<Terms>[]> {
    const { db, keys } = this.#deps
    const found = await readDeliveryTerms(db, keys, ids)
    return ids.map((id) => ({ status: 'fulfilled', value: this.#termsOf(id, found.get(id)) }))
  }

  #termsOf(id: IntegrationId, terms: DeliveryTerms | undefined): Terms {
    if (terms === undefined) return { kind: 'nobody' }
    if (terms.kind === 'no secret') return { kind: 'no key' }
    if (terms.kind === 'sealed') return terms
    const { secret, accountId } = terms
    if (secret === PUBLIC_TEST_SECRET && this.#deps.production) {
      this.#refuse(id)
      return { kind: 'no key' }
    }
    // With an empty key everybody can sign.
    if (secret === '') return { kind: 'no key' }
    return { kind: 'key', key: createSecretKey(Buffer.from(secret, 'utf8')), accountId }
  }

  #refuse(integrationId: IntegrationId): void {
    if (this.#refused.has(integrationId)) return
    this.#refused.add(integrationId)
    log.warn({ integrationId }, 'the public test secret of Zendesk is refused in production')
  }
}
