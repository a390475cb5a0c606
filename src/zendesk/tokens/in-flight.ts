/** Counts what is under way, so that somebody can wait until nothing is. */
export class InFlight {
  #count = 0
  #ended = Promise.withResolvers<void>()

  /** One more; what comes back ends it. */
  begin(): () => void {
    this.#count += 1
    return () => {
      this.#count -= 1
      if (this.#count > 0) return
      this.#ended.resolve()
      this.#ended = Promise.withResolvers()
    }
  }

  /** Resolves as soon as nothing is under way. */
  ended(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : this.#ended.promise
  }
}
