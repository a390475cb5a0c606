/** Lets so many at once do what they come for; the others wait in the order in which they come. */
export function atMost(lanes: number): <Result>(use: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let free = lanes
  return async (use) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await use()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
