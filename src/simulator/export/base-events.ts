import { baseTime } from '../ticket/comment.ts'
import { baseCommentCount, kindOf } from '../ticket/kind.ts'
import { baseTicket } from '../ticket/ticket.ts'
import { mix } from '../world/hash.ts'
import type { World } from '../world/world.ts'

/** The event that wrote a computed comment. */
export interface BaseEvent {
  readonly ticketId: number
  readonly index: number
  readonly at: number
}

/**
 * Unlike tickets, events have no place that follows from a number: the conversations of different
 * tickets interleave. So their order is an index of one number an event (its second, and which
 * event it is), built when it is first asked for: eight bytes an event, no text.
 */
export interface BaseEvents {
  readonly from: (second: number) => Iterable<BaseEvent>
}

const ORDINALS = 2 ** 24
/** No computed ticket was created longer before its last place in the export. */
const LONGEST_PAST = 120 * 86_400

export function createBaseEvents(world: World): BaseEvents {
  const starts = startsOf(world)
  const oldest = world.firstAt - LONGEST_PAST
  const order = orderOf(world, starts, oldest)

  function* from(second: number): Iterable<BaseEvent> {
    const wanted = Math.max(0, second - oldest) * ORDINALS
    for (let place = lowerBound(order, wanted); place < order.length; place++) {
      const key = order[place] ?? 0
      const ordinal = key % ORDINALS
      const owner = ownerOf(starts, ordinal)
      const at = oldest + Math.floor(key / ORDINALS)
      yield { ticketId: owner + 1, index: ordinal - (starts[owner] ?? 0), at }
    }
  }

  return { from }
}

/** How many events come before those of each ticket. */
function startsOf(world: World): Uint32Array {
  const starts = new Uint32Array(world.size + 1)
  for (let index = 0; index < world.size; index++) {
    const hash = mix(world.hash, index + 1)
    const comments = baseCommentCount(world, index, hash, kindOf(world, index, hash))
    starts[index + 1] = (starts[index] ?? 0) + comments
  }
  const total = starts[world.size] ?? 0
  if (total >= ORDINALS) throw new RangeError('too many events for one simulated account')
  return starts
}

function orderOf(world: World, starts: Uint32Array, oldest: number): Float64Array {
  const order = new Float64Array(starts[world.size] ?? 0)
  for (let index = 0; index < world.size; index++) {
    const ticket = baseTicket(world, index)
    const start = starts[index] ?? 0
    for (let comment = 0; comment < ticket.baseComments; comment++) {
      order[start + comment] = (baseTime(ticket, comment) - oldest) * ORDINALS + start + comment
    }
  }
  return order.sort()
}

function lowerBound(order: Float64Array, wanted: number): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((order[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low
}

/** The last ticket whose events start at or before an ordinal. */
function ownerOf(starts: Uint32Array, ordinal: number): number {
  let low = 0
  let high = starts.length - 1
  while (low + 1 < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] ?? 0) <= ordinal) low = middle
    else high = middle
  }
  return low
}
