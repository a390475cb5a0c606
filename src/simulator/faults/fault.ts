import type { Family } from '../serve/request-log.ts'
import { hashText, mix, unit } from '../world/hash.ts'
import type { Mutation } from '../mutation/mutation.ts'

/**
 * What goes wrong, and for which requests. A request meets the faults in the order in which they
 * were set: each `slow` and `change` that matches applies, and the first other one that matches
 * decides the answer; those behind it do not see the request.
 */
export type Fault = FaultScope & FaultKind

export interface FaultScope {
  readonly subdomain?: string
  readonly family?: Family | 'any'
  readonly method?: string
  /** Only requests about this ticket. */
  readonly ticketId?: number
  /** Only paths that contain this. */
  readonly path?: string
  /** Only query strings that contain this, as it was sent. */
  readonly query?: string
  /** Matching requests that pass unharmed first. */
  readonly after?: number
  /** Requests that are hit; 1 by default, `null` for all that follow. */
  readonly times?: number | null
  /** Share of the matching requests that are hit, drawn from the seed. */
  readonly probability?: number
}

export type FaultKind =
  /** `retryAfter: null` leaves the header out. */
  | { readonly kind: 'rate_limited'; readonly retryAfter?: string | null; readonly html?: boolean }
  /** `worked`: the request takes effect before this answer replaces the true one. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly retryAfter?: string
      readonly html?: boolean
      readonly worked?: boolean
    }
  /** 504 for pages larger than this. */
  | { readonly kind: 'page_too_big'; readonly above: number }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'html' | 'empty' | 'reset' | 'hang' }
  /** The request takes effect, and the connection is cut before or in the middle of the answer. */
  | { readonly kind: 'lost_answer' | 'cut_answer' }
  | { readonly kind: 'truncated' | 'unmoved_cursor' | 'repeated_page' | 'unknown_fields' }
  /** At any depth, or only below the named key of the body. */
  | { readonly kind: 'missing_field'; readonly field: string; readonly inside?: string }
  | {
      readonly kind: 'set_field'
      readonly field: string
      readonly value: unknown
      readonly inside?: string
    }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Something changes in the account right before the request is answered. */
  | { readonly kind: 'change'; readonly mutation: Mutation }

export interface FaultTarget {
  readonly subdomain: string
  readonly family: Family
  readonly method: string
  readonly path: string
  readonly query: string
  readonly ticketId: number | null
  readonly pageSize: number | null
}

interface Armed {
  readonly id: number
  readonly fault: Fault
  seen: number
  hit: number
}

export class Faults {
  readonly #seed: number
  #armed: Armed[] = []
  #made = 0

  constructor(seed: string) {
    this.#seed = hashText(seed)
  }

  get isEmpty(): boolean {
    return this.#armed.length === 0
  }

  set(fault: Fault): number {
    const id = ++this.#made
    this.#armed.push({ id, fault, seen: 0, hit: 0 })
    return id
  }

  clear(id?: number): void {
    this.#armed = id === undefined ? [] : this.#armed.filter((armed) => armed.id !== id)
  }

  list(): readonly { id: number; fault: Fault; seen: number; hit: number }[] {
    return this.#armed.map((armed) => ({ ...armed }))
  }

  needsPreviousPage(): boolean {
    return this.#armed.some((armed) => armed.fault.kind === 'repeated_page')
  }

  /** The faults that hit a request: any number that only delay or change, at most one other. */
  take(target: FaultTarget): Fault[] {
    const hits: Fault[] = []
    for (const armed of this.#armed) {
      const { fault } = armed
      if (!matches(fault, target) || !this.#fires(armed)) continue
      hits.push(fault)
      if (fault.kind !== 'slow' && fault.kind !== 'change') break
    }
    return hits
  }

  #fires(armed: Armed): boolean {
    const { after = 0, times = 1, probability = 1 } = armed.fault
    armed.seen += 1
    if (armed.seen <= after || (times !== null && armed.hit >= times)) return false
    if (unit(mix(mix(this.#seed, armed.id), armed.seen)) >= probability) return false
    armed.hit += 1
    return true
  }
}

function matches(fault: Fault, target: FaultTarget): boolean {
  const family = fault.family ?? 'any'
  if (family !== 'any' && family !== target.family) return false
  if (fault.subdomain !== undefined && fault.subdomain !== target.subdomain) return false
  if (fault.method !== undefined && fault.method !== target.method) return false
  if (fault.ticketId !== undefined && fault.ticketId !== target.ticketId) return false
  if (fault.path !== undefined && !target.path.includes(fault.path)) return false
  if (fault.query !== undefined && !target.query.includes(fault.query)) return false
  return fault.kind !== 'page_too_big' || (target.pageSize ?? 1000) > fault.above
}
