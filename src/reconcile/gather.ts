/** When a portion is full, and until when new items are started. */
export interface GatherLimits<Result> {
  readonly concurrency: number
  readonly isFull: (results: readonly Result[]) => boolean
  /** Asked before each item: `true` leaves the rest for another time. */
  readonly isOver: () => boolean
}

/**
 * Works on items with several in flight and hands results out in portions, in the order in which
 * they come to an end. While the reader stores one portion, the items in flight go on. An error
 * stops new items; what has come to an end is handed out first, then the error is thrown: work that
 * was paid for with requests is never dropped. Returns whether every item was worked on.
 */
export async function* gather<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
  limits: GatherLimits<Result>,
): AsyncGenerator<Result[], boolean> {
  const inFlight = new Set<Promise<void>>()
  let results: Result[] = []
  let failure: { readonly error: unknown } | undefined
  let complete = true
  for (const item of items) {
    if (failure !== undefined) break
    if (limits.isOver()) {
      complete = false
      break
    }
    const task: Promise<void> = work(item)
      .then(
        (result) => void results.push(result),
        (error: unknown) => void (failure ??= { error }),
      )
      .finally(() => inFlight.delete(task))
    inFlight.add(task)
    if (inFlight.size >= limits.concurrency) await Promise.race(inFlight)
    if (limits.isFull(results)) {
      yield results
      results = []
    }
  }
  await Promise.all(inFlight)
  if (results.length > 0) yield results
  if (failure !== undefined) throw failure.error
  return complete
}
