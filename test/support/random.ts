/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function pick<Value>(random: () => number, values: readonly Value[]): Value {
  // An index below the length: there is a value.
  return values[Math.floor(random() * values.length)] as Value
}

/** Text that does not compress. */
export function randomText(length: number): string {
  const random = randomFrom(length)
  const words = Array.from({ length: Math.ceil(length / 10) }, () =>
    random().toString(36).slice(2, 12),
  )
  return words.join('').slice(0, length)
}
