import type { Account } from './account.ts'
import type { Faults } from './faults/fault.ts'
import type { RequestLog } from './serve/request-log.ts'
import type { Clock } from './world/clock.ts'

/** Everything a running simulator holds. */
export interface State {
  readonly seed: string
  readonly clock: Clock
  readonly accounts: Map<string, Account>
  readonly faults: Faults
  readonly log: RequestLog
  /** Last page by account and family, kept only while a fault wants to repeat one. */
  readonly previousPages: Map<string, Record<string, unknown>>
  /** Aborted when the simulator stops: ends delays, hangs and deliveries. */
  readonly stop: AbortSignal
}
