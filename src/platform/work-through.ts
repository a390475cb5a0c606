export interface Work<Item> {
  /** How many items are in work at once. */
  readonly lanes: number
  /** New items are looked for at least so often while others are in work; never, if it is not given. */
  readonly lookMs?: number
  /** Takes at most `room` items; none means that nothing is left for now. */
  readonly claim: (room: number) => Promise<readonly Item[]>
  readonly work: (item: Item) => Promise<void>
}

/** Items are claimed again when this part of the lanes is free: many in one statement, none idle for long. */
const REFILL_AT = 0.25

/**
 * Works until no item is left, many at once: a slow item holds up its lane, not the others. After a
 * first failure nothing more is claimed; it is thrown when all that was under way has ended.
 */
export async function workThrough<Item>({ lanes, lookMs, claim, work }: Work<Item>): Promise<void> {
  let running = 0
  let failure: { readonly error: unknown } | undefined
  let ended = Promise.withResolvers<void>()
  const fail = (error: unknown): [] => {
    failure ??= { error }
    return []
  }
  const start = async (item: Item): Promise<void> => {
    await work(item).catch(fail)
    running -= 1
    ended.resolve()
  }

  for (;;) {
    const items = failure === undefined ? await claim(lanes - running).catch(fail) : []
    running += items.length
    for (const item of items) void start(item)
    if (running === 0) break
    let isTime = false
    const look = (): void => {
      isTime = true
      ended.resolve()
    }
    const timer = lookMs === undefined ? undefined : setTimeout(look, lookMs)
    do {
      ended = Promise.withResolvers()
      await ended.promise
    } while (!isTime && lanes - running < lanes * REFILL_AT)
    clearTimeout(timer)
  }
  if (failure !== undefined) throw failure.error
}
