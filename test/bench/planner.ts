import { connectAccount } from '../../src/demo/api.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { openService } from './service.ts'

/** One import under limits, on the shortened clock of the simulator. */
export interface PlannedImport {
  readonly way: Way
  readonly tickets: number
  readonly published: number
  readonly minutes: number
  readonly requests: number
}

/** A request a ticket, or one of the aims of the planner. */
export type Way = 'per ticket' | 'frugal' | 'fast'

/** Suite Growth or Professional without the add-on that raises the limit of exports. */
const RATES = { account: 400, incremental: 10 }

const EVENTS_EACH = 8

/** As in production; tests sample nothing. */
const DRIFT = { DRIFT_SAMPLE_SHARE: '0.01' }

/** Every ticket is live, public in part, and was created within the window. */
const SHAPE = {
  onePageEach: true,
  commentsEach: EVENTS_EACH,
  deletedShare: 0,
  messagingShare: 0,
  privateFromFirstShare: 0,
}

export async function measureImport(
  server: string,
  way: Way,
  { tickets, minuteMs }: { readonly tickets: number; readonly minuteMs: number },
): Promise<PlannedImport> {
  const account = { subdomain: 'acme', tickets, days: 80, shape: SHAPE, settings: { rates: RATES } }
  await using service = await openService(server, { accounts: [account], minuteMs }, DRIFT)
  const { api, db, control } = service
  await connectAccount(api, { workspaceId: 'bench', subdomain: 'acme' })
  if (way === 'per ticket') await readTicketByTicket(db)
  const aim = way === 'fast' ? 'fast' : 'frugal'
  await db
    .updateTable('run')
    .set({ plan: JSON.stringify({ aim }) })
    .execute()
  await control.clearRequests()
  await using _worker = service.startWorker()
  for (;;) {
    const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
    if (run.state === 'failed') throw new Error('the import failed')
    if (run.finishedAt !== null) {
      const { total } = await control.counters('acme')
      const ms = run.finishedAt.diff(run.startedAt ?? run.createdAt).toMillis()
      const { ticketsSeen, published } = run
      return { way, tickets: ticketsSeen, published, minutes: ms / minuteMs, requests: total }
    }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
