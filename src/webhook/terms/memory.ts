interface Kept<Value> {
  readonly value: Value
  readonly since: number
}

/**
 * Remembers a bounded number of values, and how old they are. There are two generations: where the
 * younger one is full it becomes the older one, which is forgotten as a whole; who is asked for
 * stays young.
 */
export class Memory<Value> {
  readonly #most: number
  #young = new Map<string, Kept<Value>>()
  #old = new Map<string, Kept<Value>>()

  /** At least half as many as `most` are remembered, and never more. */
  constructor(most: number) {
    this.#most = most
  }

  /** Undefined if it is not known, or not since an instant as late as that. */
  get(key: string, notBefore: number): Value | undefined {
    const kept = this.#young.get(key) ?? this.#promote(key)
    return kept !== undefined && kept.since >= notBefore ? kept.value : undefined
  }

  set(key: string, value: Value, now: number): void {
    this.#add(key, { value, since: now })
  }

  forget(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  forgetAll(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  #promote(key: string): Kept<Value> | undefined {
    const kept = this.#old.get(key)
    if (kept !== undefined) this.#add(key, kept)
    return kept
  }

  #add(key: string, kept: Kept<Value>): void {
    this.#old.delete(key)
    if (!this.#young.has(key) && this.#young.size >= this.#most / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, kept)
  }
}
