import type { WebhookProblem } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import type { Checked, WebhookCheck } from '../../integration/webhook/check-store.ts'
import { ZendeskRefusedError } from '../../platform/errors.ts'
import type { PassEnd } from '../../platform/run-pass.ts'
import type { Ensured } from './ensure-once.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/**
 * The first pause after a look that found something wrong, and the longest. What passes by itself is
 * tried again soon, for somebody may have connected just now; what a person has to mend costs requests
 * of theirs.
 */
const PAUSES_MS = {
  unavailable: [5_000, HOUR_MS],
  failing: [MINUTE_MS, 6 * HOUR_MS],
  refused: [HOUR_MS, DAY_MS],
} as const

/** What comes after a look, and what is shown until then. */
export type Next =
  | { readonly kind: 'well' }
  | { readonly kind: 'unwell'; readonly problem: WebhookProblem; readonly pause: Pause }
  /** Nothing was found out. */
  | { readonly kind: 'at'; readonly at: Date }
  | { readonly kind: 'now' | 'some day' | 'dropped' }

type Pause = keyof typeof PAUSES_MS

export function nextOf(end: PassEnd<Ensured | 'not now' | WebhookProblem>): Next {
  switch (end.kind) {
    case 'done':
      return afterLook(end.value)
    case 'wait':
      return { kind: 'at', at: end.resumeAt }
    case 'halt': {
      // What is wrong with the token, the next run finds and flags.
      const isToken = end.error instanceof ZendeskRefusedError
      return unwell(isToken ? 'token_refused' : 'unavailable', 'refused')
    }
    case 'skip':
    case 'retry':
      return unwell('unavailable', 'unavailable')
    case 'stopped':
      return { kind: 'now' }
    default:
      return end satisfies never
  }
}

function afterLook(found: Ensured | 'not now' | WebhookProblem): Next {
  switch (found) {
    case 'well':
      return { kind: 'well' }
    case 'not ours':
      return { kind: 'dropped' }
    case 'overtaken':
      return { kind: 'now' }
    case 'not now':
      return { kind: 'some day' }
    case 'failing':
    case 'circuit_broken':
      return unwell(found, 'failing')
    default:
      return unwell(found, 'refused')
  }
}

function unwell(problem: WebhookProblem, pause: Pause): Next {
  return { kind: 'unwell', problem, pause }
}

/** What is written down of it. `random` is in [0, 1). */
export function checkedBy(
  next: Next,
  { integrationId, attempts }: Pick<WebhookCheck, 'integrationId' | 'attempts'>,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): Checked {
  switch (next.kind) {
    case 'well':
    case 'some day': {
      const dueAt = new Date(dailyLookMs(integrationId, nowMs))
      if (next.kind === 'some day') return { dueAt, attempts, isComplete: false }
      return { dueAt, attempts: 0, problem: null, isComplete: true }
    }
    case 'unwell': {
      const { problem, pause } = next
      const [first, longest] = PAUSES_MS[pause]
      const pauseMs = Math.min(longest, first * 2 ** Math.min(attempts, 20))
      const dueAt = new Date(nowMs + Math.ceil(pauseMs * (0.75 + 0.5 * random)))
      return { dueAt, attempts: attempts + 1, problem, isComplete: pause === 'failing' }
    }
    case 'at': {
      const [soonest] = PAUSES_MS.unavailable
      const dueAt = new Date(Math.max(next.at.getTime(), nowMs + soonest))
      return { dueAt, attempts, isComplete: false }
    }
    default:
      return { dueAt: new Date(nowMs), attempts, isComplete: false }
  }
}

/**
 * The daily look: each integration has its own time of the day, told by its id, so that ten thousand
 * of them are spread over it and stay so, also after an outage that has put them all off.
 */
export function dailyLookMs(id: IntegrationId, nowMs: number): number {
  const ownMs = (Number.parseInt(id.slice(0, 8), 16) / 2 ** 32) * DAY_MS
  const days = Math.ceil((nowMs + HOUR_MS - ownMs) / DAY_MS)
  return Math.round(ownMs + days * DAY_MS)
}
