import type { ExecutionContext } from 'ava'
import type { LoggedRequest } from '../../src/simulator/serve/request-log.ts'
import { connectControl } from '../../src/simulator/control.ts'
import type { Control } from '../../src/simulator/control/types.ts'
import { startProcess } from '../bench/processes.ts'
import { readTicketByTicket } from './channels.ts'
import { startFrontDoor } from './front-door.ts'
import { spawnEntry } from './service.ts'
import { until } from './truth.ts'

/** Of both accounts; a share of a half is 200 requests and 5 exports. */
const rates = { account: 400, incremental: 10 }

/** A simulator of its own process: what its clock says of requests is not what this one is late. */
export type Spending = Control & AsyncDisposable

/** Two workspaces that import `acme`, and one that imports `pages` in pages of a single ticket. */
export async function startImports(
  t: ExecutionContext,
  { minuteMs, workers }: { readonly minuteMs: number; readonly workers: number },
): Promise<Spending> {
  const account = { tickets: 1_500, days: 80, shape: { onePageEach: true }, settings: { rates } }
  const accounts = ['acme', 'pages'].map((subdomain) => ({ subdomain, ...account }))
  const options = { seed: t.title, minuteMs, accounts }
  const simulator = startProcess('src/simulator/main.ts', [JSON.stringify(options)])
  const { urlTemplate, controlUrl } = JSON.parse(await simulator.firstLine) as Listening
  const { db, environment, connect } = await startFrontDoor(
    t,
    { urlTemplate },
    { ZENDESK_MINUTE_MS: String(minuteMs) },
  )
  await connect('acme', 'w1')
  await connect('acme', 'w2')
  const pages = await connect('pages', 'w3')
  // Enough for two minutes; the largest pages keep the simulator busy, and others come late then.
  await db.updateTable('cursor').set({ pageSize: 400 }).execute()
  await db.updateTable('cursor').set({ pageSize: 1 }).where('integrationId', '=', pages).execute()
  // The comments endpoint is what makes work for a limit of 400; else most would come from events.
  await readTicketByTicket(db)
  for (let count = 0; count < workers; count++) spawnEntry(t, 'src/worker.ts', environment)
  const dispose = () => simulator[Symbol.asyncDispose]()
  return { ...connectControl(controlUrl), [Symbol.asyncDispose]: dispose }
}

interface Listening {
  readonly urlTemplate: string
  readonly controlUrl: string
}

/** What counts against limits: all but the ways to a token. */
export async function spentOn(simulator: Spending, subdomain: string): Promise<LoggedRequest[]> {
  const requests = await simulator.requests({ subdomain })
  return requests.filter(({ family }) => family !== 'oauth')
}

/** The instant of the first request for comments. */
export async function untilSpending(simulator: Spending, subdomain: string): Promise<number> {
  const filter = { subdomain, family: 'comments' } as const
  await until(async () => (await simulator.requests(filter)).length > 0)
  const [first] = await simulator.requests(filter)
  return first?.at ?? Number.NaN
}

export async function untilClock(simulator: Spending, instant: number): Promise<void> {
  const ms = instant - (await simulator.now())
  await new Promise((resolve) => setTimeout(resolve, ms))
}

export function countIn(requests: readonly LoggedRequest[], from: number, ms: number): number {
  return requests.filter(({ at }) => at >= from && at < from + ms).length
}

/** The most in any minute. */
export function peak(requests: readonly LoggedRequest[], minuteMs: number): number {
  return Math.max(...requests.map(({ at }) => countIn(requests, at, minuteMs)))
}

export async function refusals(simulator: Spending): Promise<string[]> {
  const { byFamilyAndStatus } = await simulator.counters()
  return Object.keys(byFamilyAndStatus).filter((it) => it.endsWith(' 429'))
}
