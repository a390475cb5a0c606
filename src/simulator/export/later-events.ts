import type { Occurrence } from '../mutation/occurrence.ts'

/** One audit that a mutation wrote on one ticket. */
export interface LaterEvent {
  readonly sequence: number
  readonly ticketId: number
  readonly at: number
  readonly actorId: number
  readonly occurrences: readonly Occurrence[]
}

/** What mutations did, in their order; the clock never goes back, so that is the order in time. */
export class LaterEvents {
  readonly #events: LaterEvent[] = []

  add(occurrences: readonly Occurrence[], at: number): void {
    for (const [ticketId, own] of Map.groupBy(occurrences, (entry) => entry.ticketId)) {
      const actorId = own[0]?.actorId ?? 0
      const sequence = this.#events.length + 1
      this.#events.push({ sequence, ticketId, at, actorId, occurrences: own })
    }
  }

  *from(second: number): Iterable<LaterEvent> {
    for (const event of this.#events) {
      if (event.at >= second) yield event
    }
  }
}
