import type { Fault } from '../faults/fault.ts'
import type { TokenUse } from '../oauth/grants.ts'
import type { AccountOptions, AccountSettings, SettingsPatch } from '../options.ts'
import type { ExpectedTranscript, OracleFilter, WithdrawnText } from '../oracle.ts'
import type { DeliveryOutcome, RawDelivery } from '../delivery/raw-delivery.ts'
import type { Counters, LoggedRequest, RequestFilter } from '../serve/request-log.ts'
import type { Mutation, MutationResult } from '../mutation/mutation.ts'

/**
 * The levers of a running simulator. `startSimulator` gives them in its own process,
 * `connectControl` over HTTP from another one.
 */
export interface Control {
  readonly addAccount: (options: AccountOptions) => Promise<void>
  /** Changes what the patch names and answers all settings. */
  readonly setAccount: (subdomain: string, patch: SettingsPatch) => Promise<AccountSettings>
  /** Milliseconds of the simulated clock. */
  readonly now: () => Promise<number>
  readonly advanceClock: (ms: number) => Promise<number>
  readonly mutate: (subdomain: string, mutation: Mutation) => Promise<MutationResult>
  readonly setFault: (fault: Fault) => Promise<number>
  readonly clearFaults: (id?: number) => Promise<void>
  readonly listFaults: () => Promise<readonly ArmedFault[]>
  /** The last 10,000 requests that match, oldest first. */
  readonly requests: (filter?: RequestFilter) => Promise<readonly LoggedRequest[]>
  /** Counts since the start or the last `clearRequests`, of one account or all. */
  readonly counters: (subdomain?: string) => Promise<Counters>
  readonly clearRequests: () => Promise<void>
  readonly tokenUse: (subdomain: string) => Promise<TokenUse>
  /** Every authorization code and token that the account has given out, dead ones included. */
  readonly secrets: (subdomain: string) => Promise<readonly string[]>
  /** The customer takes the access back: every token dies. */
  readonly revokeTokens: (subdomain: string) => Promise<number>
  readonly sendWebhook: (subdomain: string, raw: RawDelivery) => Promise<readonly DeliveryOutcome[]>
  /** Sends what is held back and waits until each delivery has ended. */
  readonly webhooksSettled: (subdomain: string) => Promise<void>
  readonly expectedTranscripts: (
    subdomain: string,
    filter: OracleFilter,
  ) => AsyncIterable<ExpectedTranscript>
  readonly withdrawnTexts: (subdomain: string) => AsyncIterable<WithdrawnText>
}

export interface ArmedFault {
  readonly id: number
  readonly fault: Fault
  readonly seen: number
  readonly hit: number
}
