import { createServer } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import { migrateToLatest } from '../db/migrate.ts'
import { type DemoAccount, demoSecrets, tour } from './demo/demo.ts'
import { type Config, type Environment, loadConfig } from './platform/config.ts'
import { withDevelopmentSecrets } from './platform/dev-secrets.ts'
import { aborted, runEntry } from './platform/lifecycle.ts'
import { log, setLogLevel } from './platform/log.ts'
import { queues } from './queues.ts'
import { DEFAULT_CLIENT } from './simulator/options.ts'
import { type Simulator, startSimulator } from './simulator/start.ts'
import { PRIVATE_TOKEN } from './simulator/world/tokens.ts'
import { startWeb } from './web.ts'
import { runWorker } from './worker.ts'

/** A simulated minute lasts a second, so that the account's rate limit shows without the wait. */
const DEMO_MINUTE_MS = 1_000
const DEMO_SUBDOMAIN = 'acme'
const DEMO_PORT = 3000

/** Web and worker in this process, until the signal aborts. */
async function serve(
  config: Config,
  signal: AbortSignal,
  use: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  setLogLevel(config.logLevel)
  await migrateToLatest(config.databaseUrl, queues)
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  await using _web = await startWeb(config)
  const working = runWorker(config, until).catch((error: unknown) => {
    stop.abort(error)
    throw error
  })
  try {
    await use(until)
  } finally {
    stop.abort(new Error('stopping'))
    await working
  }
}

/** The real Zendesk by `.env`, a database that is kept. */
async function dev(signal: AbortSignal): Promise<void> {
  const environment = withDevelopmentSecrets(process.env)
  const dataDir = path.resolve('.data', 'postgres-18')
  await using postgres = environment['DATABASE_URL']
    ? undefined
    : await startEmbeddedPostgres({ dataDir, durable: true })
  const config = loadConfig({ ...environment, ...(postgres && { DATABASE_URL: postgres.url }) })
  await serve(config, signal, async (until) => {
    log.info({ url: config.publicUrl }, 'development service started')
    await aborted(until)
  })
}

/** A simulated account and a database that are gone afterwards. */
async function demo(
  options: { once: boolean; tickets: number },
  signal: AbortSignal,
): Promise<void> {
  await using postgres = await startEmbeddedPostgres({ durable: false })
  await using simulator = await startSimulator({
    minuteMs: DEMO_MINUTE_MS,
    accounts: [{ subdomain: DEMO_SUBDOMAIN, tickets: options.tickets }],
  })
  const config = loadConfig(await demoEnvironment(process.env, postgres.url, simulator))
  await serve(config, signal, async (until) => {
    const { adminToken = '' } = config.secrets
    const api = { baseUrl: config.publicUrl, adminToken }
    const comparison = await tour(api, demoAccount(simulator, config.backfillDays), until)
    if (comparison.differences.length > 0) process.exitCode = 1
    if (!options.once) await aborted(until)
  })
}

function demoAccount(simulator: Simulator, days: number): DemoAccount {
  const from = new Date(Date.now() - days * 86_400_000)
  return {
    subdomain: DEMO_SUBDOMAIN,
    simulatorUrl: `${simulator.url}/${DEMO_SUBDOMAIN}`,
    expected: () => simulator.expectedTranscripts(DEMO_SUBDOMAIN, { from }),
    privateToken: PRIVATE_TOKEN,
  }
}

async function demoEnvironment(
  environment: Environment,
  databaseUrl: string,
  simulator: Simulator,
): Promise<Environment> {
  const port = environment['PORT'] ?? String(await freePort(DEMO_PORT))
  return {
    LOG_LEVEL: 'warn',
    ...environment,
    ...demoSecrets(),
    NODE_ENV: 'development',
    PORT: port,
    HOST: environment['HOST'] ?? '127.0.0.1',
    PUBLIC_URL: `http://localhost:${port}`,
    DATABASE_URL: databaseUrl,
    ZENDESK_URL_TEMPLATE: simulator.urlTemplate,
    ZENDESK_MINUTE_MS: String(DEMO_MINUTE_MS),
    ZENDESK_CLIENT_ID: DEFAULT_CLIENT.id,
    ZENDESK_CLIENT_SECRET: DEFAULT_CLIENT.secret,
  }
}

/** The wanted port, or any other if another program (a second demo) has it. */
async function freePort(wanted: number): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | undefined>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        const found = typeof address === 'object' && address !== null ? address.port : undefined
        server.close(() => resolve(found))
      })
    })
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? wanted
}

/** Stops when the process that started this one is gone: killed, it could not tell us. */
function stopWhenOrphaned(): void {
  const parent = process.ppid
  const watch = (): void => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }
  setInterval(watch, 1_000).unref()
}

stopWhenOrphaned()
await runEntry(async (signal) => {
  const { values } = parseArgs({
    options: {
      demo: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      tickets: { type: 'string', default: '2000' },
    },
  })
  if (values.demo) await demo({ once: values.once, tickets: Number(values.tickets) }, signal)
  else await dev(signal)
})
