import { setMaxListeners } from 'node:events'
import { createAccount } from './account.ts'
import type { Control } from './control/types.ts'
import { Faults } from './faults/fault.ts'
import { accountOf, createControl } from './control/operations.ts'
import type { SimulatorOptions } from './options.ts'
import { DEFAULT_ACCOUNTS } from './options.ts'
import type { ExpectedTranscript, OracleFilter, WithdrawnText } from './oracle.ts'
import { expectedTranscripts, withdrawnTexts } from './oracle.ts'
import { RequestLog } from './serve/request-log.ts'
import { listen } from './serve/server.ts'
import type { State } from './state.ts'
import { createClock } from './world/clock.ts'

/**
 * Zendesk on loopback, for the demo, the tests and the benchmarks.
 *
 * `startSimulator` listens on a free port and serves each account under
 * `http://127.0.0.1:{port}/{subdomain}/…` (OAuth at `/oauth`, the API at `/api/v2`), or under the
 * host name `{subdomain}.localhost`. Tickets and comments are computed from the seed, never held:
 * only those that a mutation changed are kept, so 200,000 tickets cost no memory. The levers of
 * `Control` change how it behaves while it runs: settings of an account, faults, the clock, what
 * happens to tickets; they also tell what was asked and, from the oracle, exactly what must be
 * published. Public comments carry `pub_…`, private ones `priv_…`, persons `pii_…` tokens
 * (`world/tokens.ts`), so a loss or a leak shows by search.
 *
 * `main.ts` runs the same as a process of its own, and `connectControl` (`control.ts`) gives the
 * same levers over HTTP.
 */
export interface Simulator
  extends Omit<Control, 'expectedTranscripts' | 'withdrawnTexts'>, AsyncDisposable {
  readonly url: string
  /** For `ZENDESK_URL_TEMPLATE`. */
  readonly urlTemplate: string
  /** For `connectControl`. */
  readonly controlUrl: string
  readonly expectedTranscripts: (
    subdomain: string,
    filter: OracleFilter,
  ) => Iterable<ExpectedTranscript>
  readonly withdrawnTexts: (subdomain: string) => Iterable<WithdrawnText>
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const stop = new AbortController()
  // Every waiting request listens to it.
  setMaxListeners(0, stop.signal)
  const state = createState(options, stop.signal)
  const { server, port } = await listen(state, options.port ?? 0)
  const url = `http://127.0.0.1:${port}`
  return {
    ...createControl(state),
    url,
    urlTemplate: `${url}/{subdomain}`,
    controlUrl: `${url}/_control`,
    expectedTranscripts: (subdomain, filter) =>
      expectedTranscripts(accountOf(state, subdomain), filter),
    withdrawnTexts: (subdomain) => withdrawnTexts(accountOf(state, subdomain)),
    async [Symbol.asyncDispose]() {
      stop.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function createState(options: SimulatorOptions, stop: AbortSignal): State {
  const seed = options.seed ?? 'hearflow'
  const clock = createClock((options.now ?? new Date()).getTime(), options.minuteMs ?? 60_000)
  const accounts = (options.accounts ?? DEFAULT_ACCOUNTS).map(
    (account) => [account.subdomain, createAccount(account, { seed, clock, stop })] as const,
  )
  return {
    seed,
    clock,
    accounts: new Map(accounts),
    faults: new Faults(seed),
    log: new RequestLog(),
    previousPages: new Map(),
    stop,
  }
}
