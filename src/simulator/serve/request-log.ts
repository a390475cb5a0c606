/** The parts of the API that faults and counters tell apart. */
export type Family =
  | 'oauth'
  | 'incremental'
  | 'comments'
  | 'tickets'
  | 'users'
  | 'webhooks'
  | 'other'

export const FAMILIES: readonly Family[] = [
  'oauth',
  'incremental',
  'comments',
  'tickets',
  'users',
  'webhooks',
  'other',
]

export interface LoggedRequest {
  readonly subdomain: string
  readonly family: Family
  readonly method: string
  readonly path: string
  /** Without the leading question mark; empty for OAuth, whose queries hold codes and states. */
  readonly query: string
  /** 0 for a connection that was cut before an answer. */
  readonly status: number
  /** Milliseconds of the simulated clock. */
  readonly at: number
}

export interface RequestFilter {
  readonly subdomain?: string
  readonly family?: Family
  readonly status?: number
  /** Only paths that contain this. */
  readonly path?: string
}

export interface Counters {
  readonly total: number
  /** `"incremental 200": 12` */
  readonly byFamilyAndStatus: Readonly<Record<string, number>>
}

/** The last requests in a ring of fixed size, and counters of all of them. */
export class RequestLog {
  readonly #ring: LoggedRequest[] = []
  readonly #size: number
  readonly #counts = new Map<string, Map<string, number>>()
  #next = 0

  constructor(size = 10_000) {
    this.#size = size
  }

  add(request: LoggedRequest): void {
    this.#ring[this.#next] = request
    this.#next = (this.#next + 1) % this.#size
    const counts = this.#counts.get(request.subdomain) ?? new Map<string, number>()
    this.#counts.set(request.subdomain, counts)
    const key = `${request.family} ${request.status}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }

  /** Oldest first. */
  list(filter: RequestFilter = {}): LoggedRequest[] {
    const isFull = this.#ring.length === this.#size
    const ordered = isFull
      ? [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
      : [...this.#ring]
    return ordered.filter((request) => matches(request, filter))
  }

  counters(subdomain?: string): Counters {
    const sums = new Map<string, number>()
    for (const [owner, counts] of this.#counts) {
      if (subdomain !== undefined && owner !== subdomain) continue
      for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count)
    }
    const total = [...sums.values()].reduce((sum, count) => sum + count, 0)
    const ordered = [...sums.keys()].toSorted().map((key) => [key, sums.get(key) ?? 0] as const)
    return { total, byFamilyAndStatus: Object.fromEntries(ordered) }
  }

  clear(): void {
    this.#ring.length = 0
    this.#next = 0
    this.#counts.clear()
  }
}

function matches(request: LoggedRequest, filter: RequestFilter): boolean {
  if (filter.subdomain !== undefined && request.subdomain !== filter.subdomain) return false
  if (filter.family !== undefined && request.family !== filter.family) return false
  if (filter.status !== undefined && request.status !== filter.status) return false
  return filter.path === undefined || request.path.includes(filter.path)
}
