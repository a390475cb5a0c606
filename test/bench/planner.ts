import { randomBytes } from 'node:crypto'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import { connectAccount } from '../../src/demo/api.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { queues } from '../../src/queues.ts'
import { connectControl } from '../../src/simulator/control.ts'
import { startWeb } from '../../src/web.ts'
import { createDatabase, testEnvironment } from '../support/environment.ts'
import { startProcess } from './processes.ts'

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
  await using simulator = startProcess('src/simulator/main.ts', [
    JSON.stringify({ seed: 'planner', minuteMs, accounts: [account] }),
  ])
  const { urlTemplate, controlUrl } = JSON.parse(await simulator.firstLine) as {
    urlTemplate: string
    controlUrl: string
  }
  const databaseUrl = await createDatabase(server, `plan_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const environment = {
    ...(await testEnvironment(databaseUrl, { urlTemplate }, { LOG_LEVEL: 'warn' })),
    ZENDESK_MINUTE_MS: String(minuteMs),
    DRIFT_SAMPLE_SHARE: '0.01',
  }
  const config = loadConfig(environment)
  await using _web = await startWeb(config)
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  await connectAccount(api, { workspaceId: 'bench', subdomain: 'acme' })
  const db = connect(databaseUrl)
  await using _db = { [Symbol.asyncDispose]: () => db.destroy() }
  const carefulUntil = way === 'per ticket' ? new Date(Date.now() + 86_400_000) : null
  await db.updateTable('integration').set({ carefulUntil }).execute()
  const aim = way === 'fast' ? 'fast' : 'frugal'
  await db
    .updateTable('run')
    .set({ plan: JSON.stringify({ aim }) })
    .execute()
  const control = connectControl(controlUrl)
  await control.clearRequests()
  await using worker = startProcess('src/worker.ts', [], environment)
  worker.child.stdout?.pipe(process.stderr)
  worker.firstLine.catch(() => {})
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
