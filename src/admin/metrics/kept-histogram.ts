import { Histogram } from 'prom-client'
import type { Bucket } from './store.ts'

/**
 * A histogram whose observations are kept in rows, by whichever process made them. Buckets come in
 * the order of their bounds, each with what is its own; they go out added up, as Prometheus has them.
 */
export class KeptHistogram extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #buckets: readonly Bucket[]

  constructor(name: string, help: string, buckets: readonly Bucket[]) {
    super({ name, help, registers: [] })
    this.#name = name
    this.#help = help
    this.#buckets = buckets
  }

  /** Where prom-client takes the values of a histogram from, for text and all else; not in its types. */
  getForPromString() {
    const [name, help] = [this.#name, this.#help]
    let count = 0
    let seconds = 0
    const value = (part: string, number: number, labels = {}) => ({
      value: number,
      labels,
      sharedLabels: {},
      metricName: `${name}_${part}`,
    })
    const buckets = this.#buckets.map((bucket) => {
      count += bucket.observed
      seconds += bucket.seconds
      return value('bucket', count, { le: bucket.le === Infinity ? '+Inf' : bucket.le })
    })
    const none = buckets.length === 0 ? [value('bucket', 0, { le: '+Inf' })] : []
    const values = [...buckets, ...none, value('sum', seconds), value('count', count)]
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' })
  }
}
