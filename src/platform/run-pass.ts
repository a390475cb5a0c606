import { type AppError, BudgetSpentError } from './errors.ts'
import type { Bound } from './held-time.ts'

/** How a pass came to its end, in terms of what to do next. */
export type PassEnd<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Nothing failed; it is just not the time. */
  | {
      readonly kind: 'wait'
      readonly resumeAt: Date
      readonly reason: string
      readonly boundedBy: Bound
    }
  | { readonly kind: 'retry'; readonly reason: string; readonly error: unknown }
  | { readonly kind: 'halt'; readonly error: AppError }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'stopped' }

/**
 * Runs a pass and reads the remedy of what it throws: here and nowhere else. An error that is not
 * one of ours is a bug or the database away; both are worth another try, with backoff and a bound.
 */
export async function runPass<T>(pass: () => Promise<T>, signal: AbortSignal): Promise<PassEnd<T>> {
  try {
    return { kind: 'done', value: await pass() }
  } catch (error) {
    if (signal.aborted) return { kind: 'stopped' }
    if (!isAppError(error)) return { kind: 'retry', reason: 'unexpected error', error }
    switch (error.remedy) {
      case 'wait':
        return { kind: 'wait', reason: error.message, ...waitOf(error) }
      case 'retry':
        return { kind: 'retry', reason: error.message, error }
      case 'halt':
        return { kind: 'halt', error }
      case 'skip':
        return { kind: 'skip', reason: error.message }
      default:
        return error.remedy satisfies never
    }
  }
}

/**
 * Milliseconds until the next attempt: doubling from one second to ten minutes, with full jitter so
 * that what failed together does not come back together. `random` is in [0, 1).
 */
export function retryDelayMs(attempts: number, random: number): number {
  const ceiling = Math.min(600_000, 1_000 * 2 ** Math.min(attempts, 20))
  return Math.ceil(ceiling * (0.1 + 0.9 * random))
}

function isAppError(error: unknown): error is AppError {
  return error instanceof Error && 'remedy' in error
}

function waitOf(error: AppError): { resumeAt: Date; boundedBy: Bound } {
  if (error instanceof BudgetSpentError) {
    const { resumeAt, boundedBy } = error
    return { resumeAt, boundedBy }
  }
  return { resumeAt: new Date(0), boundedBy: 'zendesk_limit' }
}
