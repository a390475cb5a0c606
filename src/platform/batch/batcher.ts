import { RequestError } from '../errors.ts'
import { FairQueue } from './fair-queue.ts'

export interface BatchWork<Item, Result> {
  /** What happens to each, in their order. If it throws, the place where it goes is out of reach. */
  readonly work: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Result>[]>
  /** Whose an item is: items of one never keep those of another waiting for long. */
  readonly laneOf: (item: Item) => string
  readonly capacity: number
  readonly batchSize: number
  readonly mostInFlight: number
  readonly longestWaitMs: number
}

/** What is out of reach is not asked more often than this. */
const PAUSE_MS = 100

interface Waiting<Item, Result> {
  readonly item: Item
  readonly since: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what is submitted while earlier batches are under way, and what comes in the same turn of
 * the event loop, into batches. Each item has an outcome of its own. The queue is bounded in length
 * and in time: where there is no room, or the place is out of reach, the answer is no, at once.
 */
export class Batcher<Item, Result> {
  readonly #options: BatchWork<Item, Result>
  readonly #queue: FairQueue<Waiting<Item, Result>>
  #inFlight = 0
  #isStarting = false

  constructor(options: BatchWork<Item, Result>) {
    this.#options = options
    this.#queue = new FairQueue(options.capacity)
  }

  submit(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const waiting = { item, since: performance.now(), resolve, reject }
    if (this.#queue.push(this.#options.laneOf(item), waiting)) this.#startSoon()
    else reject(overloaded('too much is waiting already'))
    return promise
  }

  #startSoon(): void {
    const isBusy = this.#inFlight >= this.#options.mostInFlight
    if (this.#isStarting || isBusy || this.#queue.size === 0) return
    this.#isStarting = true
    // What arrives in this turn of the event loop comes along.
    setImmediate(() => this.#start())
  }

  #start(): void {
    this.#isStarting = false
    const oldest = performance.now() - this.#options.longestWaitMs
    const batch: Waiting<Item, Result>[] = []
    for (const waiting of this.#queue.take(this.#options.batchSize)) {
      if (waiting.since >= oldest) batch.push(waiting)
      else waiting.reject(overloaded('it has waited for too long'))
    }
    if (batch.length > 0) void this.#run(batch)
    this.#startSoon()
  }

  async #run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    this.#inFlight += 1
    try {
      const outcomes = await this.#options.work(batch.map(({ item }) => item))
      for (const [index, waiting] of batch.entries()) settle(waiting, outcomes[index])
    } catch (error) {
      // Those who wait would only learn the same, later.
      const all = [...batch, ...this.#queue.take(this.#queue.size)]
      for (const waiting of all) waiting.reject(error)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    this.#inFlight -= 1
    this.#startSoon()
  }
}

function settle<Item, Result>(
  waiting: Waiting<Item, Result>,
  outcome: PromiseSettledResult<Result> | undefined,
): void {
  if (outcome?.status === 'fulfilled') waiting.resolve(outcome.value)
  else waiting.reject(outcome?.reason ?? new RangeError('an item of a batch has no outcome'))
}

function overloaded(message: string): RequestError {
  return new RequestError(503, 'overloaded', message, { retryAfterSeconds: 10 })
}
