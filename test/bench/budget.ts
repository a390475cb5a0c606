import { connectAccount } from '../../src/demo/api.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { countIn, peak } from '../support/spending.ts'
import { openService } from './service.ts'

/** What four workers spend of one account for two workspaces. */
export interface SpentBudget {
  /** Requests in the fullest minute, whenever it begins. */
  readonly most: number
  /** Requests in the emptiest of the whole minutes from half minute to half minute. */
  readonly least: number
  readonly mostExports: number
  readonly refused: number
}

const RATES = { account: 400, incremental: 10 }
const WORKERS = 4
const MINUTES = 2.1

/** Share 0.5, so that 200 requests and 5 exports a minute are ours. */
export async function measureBudget(server: string, minuteMs: number): Promise<SpentBudget> {
  const account = {
    tickets: 1_500,
    days: 80,
    shape: { onePageEach: true },
    settings: { rates: RATES },
  }
  const accounts = [{ subdomain: 'acme', ...account }]
  await using service = await openService(server, { accounts, minuteMs })
  const { api, db, control } = service
  await connectAccount(api, { workspaceId: 'w1', subdomain: 'acme' })
  await connectAccount(api, { workspaceId: 'w2', subdomain: 'acme' })
  await db.updateTable('cursor').set({ pageSize: 400 }).execute()
  // The event stream would leave the limit of the account unused.
  await readTicketByTicket(db)
  await using stack = new AsyncDisposableStack()
  for (let count = 0; count < WORKERS; count++) stack.use(service.startWorker())
  const startedAt = await firstComments(control)
  await new Promise((resolve) => setTimeout(resolve, MINUTES * minuteMs))
  const requests = (await control.requests()).filter(({ family }) => family !== 'oauth')
  const exports = requests.filter(({ family }) => family === 'incremental')
  const { byFamilyAndStatus } = await control.counters()
  return {
    most: peak(requests, minuteMs),
    least: Math.min(
      ...[0, 0.5, 1].map((minute) => countIn(requests, startedAt + minute * minuteMs, minuteMs)),
    ),
    mostExports: peak(exports, minuteMs),
    refused: Object.entries(byFamilyAndStatus)
      .filter(([name]) => name.endsWith(' 429'))
      .reduce((sum, [, count]) => sum + count, 0),
  }
}

async function firstComments(
  control: Awaited<ReturnType<typeof openService>>['control'],
): Promise<number> {
  for (;;) {
    const [first] = await control.requests({ family: 'comments' })
    if (first !== undefined) return first.at
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
