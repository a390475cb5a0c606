import type { Answer } from '../api/answer.ts'
import { answerInstead, spoil } from './spoil.ts'
import type { Fault } from './fault.ts'
import type { State } from '../state.ts'

export type Outcome =
  | {
      readonly kind: 'answer'
      readonly answer: Answer
      readonly headers: Readonly<Record<string, string>>
    }
  | { readonly kind: 'cut'; readonly answer: Answer }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }

export interface Faulty {
  readonly fault: Fault | null
  readonly state: State
  readonly query: URLSearchParams
  /** Under which the last page of this kind is kept for `repeated_page`. */
  readonly pageKey: string
  readonly isIncremental: boolean
  /** The rate-limit headers of this moment: a 429 may come although they promise more. */
  readonly rateHeaders: () => Readonly<Record<string, string>>
  readonly work: () => Promise<{
    readonly answer: Answer
    readonly headers: Readonly<Record<string, string>>
  }>
}

/** The work with a fault around it: instead of it, after it, or on its answer. */
export async function applyFaults(faulty: Faulty): Promise<Outcome> {
  const { fault, state, query, pageKey } = faulty
  if (fault?.kind === 'reset') return { kind: 'reset' }
  if (fault?.kind === 'hang') return { kind: 'hang' }
  const instead = fault === null ? null : answerInstead(fault, faulty.isIncremental)
  if (instead !== null) {
    const isLimit = fault?.kind === 'rate_limited' && fault.html !== true
    return { kind: 'answer', answer: instead, headers: isLimit ? faulty.rateHeaders() : {} }
  }
  const { answer, headers } = await faulty.work()
  if (fault?.kind === 'lost_answer') return { kind: 'reset' }
  if (fault?.kind === 'cut_answer') return { kind: 'cut', answer }
  const previous = state.previousPages.get(pageKey) ?? null
  if (state.faults.needsPreviousPage() && answer.status === 200 && answer.body !== undefined) {
    state.previousPages.set(pageKey, { ...answer.body })
  }
  if (fault === null) return { kind: 'answer', answer, headers }
  return { kind: 'answer', answer: spoil(fault, answer, query, previous), headers }
}
