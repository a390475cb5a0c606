/**
 * Writes what comes while a write is under way together with the next one: the first of a quiet time
 * waits for nobody, and a flood goes in few statements. Each caller waits for its own write.
 */
export function inBatches<Item>(
  most: number,
  write: (items: readonly Item[]) => Promise<void>,
): (item: Item) => Promise<void> {
  const waiting: { item: Item; written: PromiseWithResolvers<void> }[] = []
  let isWriting = false
  const drain = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most)
      try {
        await write(batch.map(({ item }) => item))
        for (const { written } of batch) written.resolve()
      } catch (error) {
        for (const { written } of batch) written.reject(error)
      }
    }
    isWriting = false
  }
  return (item) => {
    const written = Promise.withResolvers<void>()
    waiting.push({ item, written })
    if (!isWriting) void drain()
    return written.promise
  }
}
