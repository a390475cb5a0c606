interface Node<Item> {
  readonly item: Item
  next: Node<Item> | undefined
}

interface Lane<Item> {
  first: Node<Item>
  last: Node<Item>
  length: number
}

/**
 * A bounded queue with a lane for each of its users, served in turns. A lane may hold as much as is
 * still free, so that one alone gets half of the room, two get a third each, and there is always
 * some left for who comes next.
 */
export class FairQueue<Item> {
  readonly #capacity: number
  readonly #lanes = new Map<string, Lane<Item>>()
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** False: there is no room for this lane. */
  push(name: string, item: Item): boolean {
    const lane = this.#lanes.get(name)
    if ((lane?.length ?? 0) >= this.#capacity - this.#size) return false
    const node: Node<Item> = { item, next: undefined }
    if (lane === undefined) this.#lanes.set(name, { first: node, last: node, length: 1 })
    else {
      lane.last.next = node
      lane.last = node
      lane.length += 1
    }
    this.#size += 1
    return true
  }

  /** At most so many: the first of each lane before the second of any. The next call goes on from there. */
  take(most: number): Item[] {
    const taken: Item[] = []
    while (taken.length < most) {
      const [turn] = this.#lanes
      if (turn === undefined) break
      const [name, lane] = turn
      taken.push(lane.first.item)
      this.#lanes.delete(name)
      if (lane.first.next !== undefined) {
        lane.first = lane.first.next
        lane.length -= 1
        this.#lanes.set(name, lane)
      }
    }
    this.#size -= taken.length
    return taken
  }
}
