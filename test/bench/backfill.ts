import { randomBytes } from 'node:crypto'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import { connectAccount, readIntegration } from '../../src/demo/api.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { queues } from '../../src/queues.ts'
import { connectControl } from '../../src/simulator/control.ts'
import { startWeb } from '../../src/web.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { createDatabase, testEnvironment } from '../support/environment.ts'
import { startProcess } from './processes.ts'
import { obtainToken } from './token.ts'

/** What one import of one size did. */
export interface Measurement {
  readonly what: string
  readonly latencyMs: number
  readonly tickets: number
  readonly published: number
  readonly seconds: number
  readonly peakRss: number
}

/** So high that no one waits for a limit, announced in headers as real limits are. */
const UNLIMITED = { account: 900_000, incremental: 900_000 }

async function startAccount(tickets: number, latencyMs: number) {
  const simulator = startProcess('src/simulator/main.ts', [
    JSON.stringify({
      seed: 'bench',
      accounts: [
        {
          subdomain: 'acme',
          tickets,
          days: 80,
          shape: { onePageEach: true },
          settings: { rates: UNLIMITED, latencyMs },
        },
      ],
    }),
  ])
  const { urlTemplate, controlUrl } = JSON.parse(await simulator.firstLine) as {
    urlTemplate: string
    controlUrl: string
  }
  return { simulator, urlTemplate, controlUrl }
}

/** Our worker, as a process of its own, importing through the whole flow. */
export async function measureOurs(
  server: string,
  tickets: number,
  latencyMs: number,
): Promise<Measurement> {
  const { simulator, urlTemplate } = await startAccount(tickets, latencyMs)
  await using _simulator = simulator
  const databaseUrl = await createDatabase(server, `ours_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const environment = await testEnvironment(databaseUrl, { urlTemplate }, { LOG_LEVEL: 'warn' })
  const config = loadConfig({ ...environment, ZENDESK_MINUTE_MS: '60000' })
  await using _web = await startWeb(config)
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  const id = await connectAccount(api, { workspaceId: 'bench', subdomain: 'acme' })
  const db = connect(databaseUrl)
  await using _db = { [Symbol.asyncDispose]: () => db.destroy() }
  await readTicketByTicket(db)
  await using worker = startProcess('src/worker.ts', [], {
    ...environment,
    ZENDESK_MINUTE_MS: '60000',
  })
  worker.child.stdout?.pipe(process.stderr)
  worker.firstLine.catch(() => {})
  for (;;) {
    const { backfill, status } = await readIntegration(api, id)
    if (backfill?.state === 'done') break
    if (status === 'errored' || backfill?.state === 'failed') throw new Error('the import failed')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  const seconds = run.finishedAt?.diff(run.startedAt ?? run.createdAt).as('seconds') ?? 0
  return {
    what: 'hearflow-zendesk',
    latencyMs,
    tickets: run.ticketsSeen,
    published: run.published,
    seconds,
    peakRss: worker.peakRss(),
  }
}

/** The straightforward script beside it. */
export async function measurePeer(
  server: string,
  tickets: number,
  latencyMs: number,
): Promise<Measurement> {
  const { simulator, urlTemplate, controlUrl } = await startAccount(tickets, latencyMs)
  await using _simulator = simulator
  const baseUrl = urlTemplate.replace('{subdomain}', 'acme')
  const token = await obtainToken(baseUrl)
  const databaseUrl = await createDatabase(server, `peer_${randomBytes(4).toString('hex')}`)
  const now = await connectControl(controlUrl).now()
  const start = Math.floor(now / 1000) - 90 * 86_400
  await using peer = startProcess('test/bench/peer.ts', [
    `${baseUrl}/api/v2`,
    token,
    String(start),
    databaseUrl,
  ])
  const result = JSON.parse(await peer.firstLine) as {
    seen: number
    stored: number
    seconds: number
  }
  return {
    what: 'node-zendesk + pg script',
    latencyMs,
    tickets: result.seen,
    published: result.stored,
    seconds: result.seconds,
    peakRss: peer.peakRss(),
  }
}
