import type { AccountOptions, Shape } from '../options.ts'
import { shapeOf } from '../options.ts'
import { hashText, mix } from './hash.ts'

/**
 * The numbers from which the tickets of an account are computed. Ticket `i` (id `i + 1`) and its
 * comments are functions of `hash` and `i`, and its place in the export is monotone in `i`: a page
 * of the export is a range of indexes, and nothing is held.
 */
export interface World {
  readonly subdomain: string
  readonly accountId: number
  readonly hash: number
  readonly size: number
  /** Seconds: when the simulator started; no ticket that is only computed is younger. */
  readonly startAt: number
  /** Seconds: `generated_timestamp` of the first ticket. */
  readonly firstAt: number
  readonly spanSeconds: number
  readonly endUsers: number
  readonly shape: Shape
}

const DAY = 86_400

export function createWorld(options: AccountOptions, seed: string, startMs: number): World {
  const size = options.tickets ?? 2000
  const hash = mix(hashText(seed), hashText(options.subdomain))
  const startAt = Math.floor(startMs / 1000)
  const firstAt = startAt - Math.round((options.days ?? 100) * DAY)
  return {
    subdomain: options.subdomain,
    accountId: 18_000_000 + (hash % 1_000_000),
    hash,
    size,
    startAt,
    firstAt,
    // The newest computed ticket is older than the export's hidden minute from the start.
    spanSeconds: Math.max(1, startAt - 120 - firstAt),
    endUsers: Math.max(20, Math.ceil(size * 0.6)),
    shape: shapeOf(options),
  }
}

/** Seconds: when the export last saw ticket `index` change, unless a mutation moved it. */
export function generatedAt(world: World, index: number): number {
  const neighbours = Math.max(1, world.shape.sameSecond)
  const leader = index - (index % neighbours)
  return world.firstAt + Math.floor((leader * world.spanSeconds) / Math.max(1, world.size))
}

/** The first index whose (generated_timestamp, id) is greater than the given pair. */
export function firstIndexAfter(world: World, seconds: number, ticketId: number): number {
  let low = 0
  let high = world.size
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = generatedAt(world, middle)
    const isAfter = at > seconds || (at === seconds && middle + 1 > ticketId)
    if (isAfter) high = middle
    else low = middle + 1
  }
  return low
}
