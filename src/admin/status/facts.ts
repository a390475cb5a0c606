import type { DateTime } from 'luxon'
import type { IntegrationStatus, RunState, WebhookProblem } from '../../../db/schema.ts'
import type { IntegrationErrorCode } from '../../platform/errors.ts'

/** What is unfinished, up to a bound: `isMore` says that there are more than are counted. */
export interface Some {
  readonly count: number
  readonly isMore: boolean
}

export interface Waiting extends Some {
  readonly oldestAt: DateTime | null
}

export interface Errored {
  readonly code: IntegrationErrorCode
  readonly count: number
  /** The first few, those that stand longest. */
  readonly ids: readonly string[]
}

/** Of which integrations something is to be seen to. */
export interface Concerned extends Some {
  /** The first few. */
  readonly ids: readonly string[]
}

export interface QueueFacts {
  readonly name: string
  readonly ready: Some
  readonly active: Some
  readonly failed: Some
  /** Since when the job has been ready that waits longest. */
  readonly oldestAt: DateTime | null
}

export interface RunFacts {
  readonly unfinished: Readonly<Record<Exclude<RunState, 'done' | 'failed'>, number>>
  readonly isMore: boolean
  /** Put off after a failure. */
  readonly retrying: number
}

/** Receivers of publications in one state; `failing` is active, and has taken nothing for an hour. */
export interface SinkFacts {
  readonly state: 'active' | 'failing' | 'stopped' | 'off'
  readonly count: number
  /** The first few, as workspace and name. */
  readonly sinks: readonly string[]
}

/** Webhooks of active integrations that the last look found unwell. */
export interface WebhookFacts {
  readonly problem: WebhookProblem
  readonly count: number
  readonly ids: readonly string[]
}

/** All that the rows say of the service at one instant. */
export interface Facts {
  readonly now: DateTime
  readonly sizeBytes: number
  readonly workers: number
  readonly queues: readonly QueueFacts[]
  readonly integrations: Readonly<Record<IntegrationStatus, number>>
  readonly errored: readonly Errored[]
  readonly runs: RunFacts
  /** Runs of active integrations that have failed within a day. */
  readonly failedRuns: Concerned
  readonly hints: Waiting
  /** Hints that may take words back, of active integrations, and are long overdue. */
  readonly lateHints: Concerned
  readonly quarantined: Some
  /** Entries that sinks have not come to yet. */
  readonly behind: { readonly entries: number; readonly oldestAt: DateTime | null }
  readonly deliveries: Waiting & { readonly retrying: number }
  readonly dead: Some
  readonly replays: Some
  readonly sinks: readonly SinkFacts[]
  readonly webhooks: readonly WebhookFacts[]
}

/** What is known of the database when nothing else is: why there are no facts. */
export type Look =
  | { readonly kind: 'seen'; readonly facts: Facts }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'unmigrated'; readonly pending: number }
