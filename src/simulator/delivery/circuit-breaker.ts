const WINDOW_MS = 5 * 60_000
const MAX_ERRORS = 1000
const MAX_ERROR_SHARE = 0.7
/** A share of fewer deliveries than this says nothing. */
const LEAST_DELIVERIES = 10

/** Deliveries stop for five minutes when most, or very many, of the last five minutes failed. */
export class CircuitBreaker {
  #results: { readonly at: number; readonly isSuccess: boolean }[] = []
  #openUntil = Number.NEGATIVE_INFINITY

  isOpen(now: number): boolean {
    return now < this.#openUntil
  }

  record(now: number, isSuccess: boolean): void {
    this.#results = this.#results.filter((result) => result.at > now - WINDOW_MS)
    this.#results.push({ at: now, isSuccess })
    const errors = this.#results.filter((result) => !result.isSuccess).length
    const isMostly =
      this.#results.length >= LEAST_DELIVERIES && errors / this.#results.length >= MAX_ERROR_SHARE
    if (!isMostly && errors <= MAX_ERRORS) return
    this.#openUntil = now + WINDOW_MS
    this.#results = []
  }
}
