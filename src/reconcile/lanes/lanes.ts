import type { ExportedTicket } from '../../zendesk/types.ts'

/**
 * How far two readers of one window have come, in milliseconds: `front` is the newest instant that
 * the one from the start has taken up, `back` the oldest that the one from the end has. What lies
 * between belongs to whoever takes it first, and to nobody else: both look and take in one step.
 */
export interface Lanes {
  front: number
  back: number
}

/** Takes up those tickets of a page, in the order of the export, that are not the other reader's. */
export function takeFront(lanes: Lanes, page: readonly ExportedTicket[]): ExportedTicket[] {
  const mine = page.filter(({ generatedAt }) => generatedAt.toMillis() < lanes.back)
  for (const { generatedAt } of mine) lanes.front = Math.max(lanes.front, generatedAt.toMillis())
  return mine
}

/** A part of the window: from this instant on, up to the other one. */
export interface Chunk {
  readonly from: number
  readonly until: number
}

export interface Appetite {
  /** Tickets of a millisecond of the window. */
  readonly density: number
  /** Tickets that one slice can read. */
  readonly most: number
}

/** So that the two end together: the last chunks are small beside what the other has to do. */
const PART = 8
const LEAST = 50

/** Takes up the next chunk from the end, in whole seconds; undefined if there is nothing in between. */
export function takeBack(lanes: Lanes, { density, most }: Appetite): Chunk | undefined {
  const until = lanes.back
  const first = (Math.floor(lanes.front / 1000) + 1) * 1000
  if (until <= first) return undefined
  const wanted = Math.min(most, Math.max(LEAST, (density * (until - first)) / PART))
  const from = Math.max(first, Math.floor((until - wanted / density) / 1000) * 1000)
  lanes.back = from
  return { from, until }
}
