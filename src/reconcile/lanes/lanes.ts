import type { ExportedTicket } from '../../zendesk/types.ts'

/**
 * How far two readers of one window have come, in milliseconds: `front` is the newest instant that
 * the one from the start has taken up, `back` the oldest that the one from the end has. What lies
 * between belongs to whoever takes it first, and to nobody else: both look and take in one step.
 */
export interface Lanes {
  front: number
  back: number
  /** Tickets of a millisecond of the window, as last seen; 0: nobody has seen any. */
  density: number
  /** Tickets of the page that the reader from the start took up last. */
  page: number
  /** Told of each page that the reader from the start has taken up, and whether more follows. */
  readonly onTaken?: (hasMore: boolean) => void
}

/** Takes up those tickets of a page, in the order of the export, that are not the other reader's. */
export function takeFront(lanes: Lanes, page: readonly ExportedTicket[]): ExportedTicket[] {
  const mine = page.filter(({ generatedAt }) => generatedAt.toMillis() < lanes.back)
  const instants = mine.map(({ generatedAt }) => generatedAt.toMillis())
  const newest = Math.max(lanes.front, ...instants)
  const span = newest - Math.max(lanes.front, Math.min(newest, ...instants))
  if (lanes.density === 0) lanes.density = Math.max(1, mine.length) / Math.max(1_000, span)
  lanes.front = newest
  lanes.page = mine.length
  return mine
}

/** A part of the window: from this instant on, up to the other one. */
export interface Chunk {
  readonly from: number
  readonly until: number
}

export interface Appetite {
  /** Of the tickets in between, the part that this reader takes while the other takes the rest. */
  readonly share: number
  /** Tickets of one chunk, and those of the last one that are still to be read. */
  readonly most: number
  readonly inHand: number
}

/**
 * A chunk costs one of the other's scarce requests, in which it does about a hundred tickets: what is
 * less than this is left to it.
 */
const LEAST = 150

/** What is expected of the other may come slower: the rest is shared out again. */
const CAUTION = 0.85

/**
 * Takes up the next chunk from the end, in whole seconds, so that the two end together; undefined if
 * the rest is the other's.
 */
export function takeBack(lanes: Lanes, { share, most, inHand }: Appetite): Chunk | undefined {
  const until = lanes.back
  const first = (Math.floor(lanes.front / 1000) + 1) * 1000
  if (until <= first) return undefined
  const between = lanes.density * (until - first)
  // The other one is somewhere within its page.
  const left = between + lanes.page / 2 + inHand
  const wanted = Math.min(most, between, left * share * CAUTION - inHand)
  if (wanted < Math.min(most, LEAST)) return undefined
  const from = Math.max(first, Math.floor((until - wanted / lanes.density) / 1000) * 1000)
  lanes.back = from
  return { from, until }
}

/** Some tickets of a chunk: all that it has from this instant on, up to those of the part before. */
export interface Part {
  readonly from: number
  readonly tickets: readonly ExportedTicket[]
}

/** A crash, or the end of a slice, costs no more than this. */
const PART_TICKETS = 200

/** A chunk in the order in which it is read, from its end; those of one instant stay together. */
export function partsOf({ from }: Chunk, tickets: readonly ExportedTicket[]): readonly Part[] {
  const newestFirst = tickets.toSorted(
    (a, b) => b.generatedAt.toMillis() - a.generatedAt.toMillis(),
  )
  const parts: Part[] = []
  let part: ExportedTicket[] = []
  for (const ticket of newestFirst) {
    const last = part.at(-1)
    if (
      last !== undefined &&
      part.length >= PART_TICKETS &&
      last.generatedAt > ticket.generatedAt
    ) {
      parts.push({ from: last.generatedAt.toMillis(), tickets: part })
      part = []
    }
    part.push(ticket)
  }
  return [...parts, { from, tickets: part }]
}
