import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import { migrateToLatest } from '../db/migrate.ts'
import { type DemoAccount, demoSecrets, tour } from './demo/demo.ts'
import { type Config, type Environment, loadConfig } from './platform/config/config.ts'
import { withDevelopmentSecrets } from './platform/config/dev-secrets.ts'
import { ConfigError } from './platform/errors.ts'
import { aborted, runEntry } from './platform/lifecycle.ts'
import { log, setLogLevel } from './platform/log.ts'
import { queues } from './queues.ts'
import { DEFAULT_CLIENT } from './simulator/options.ts'
import { type Simulator, startSimulator } from './simulator/start.ts'
import { PRIVATE_TOKEN } from './simulator/world/tokens.ts'
import { type Web, startWeb } from './web.ts'
import { runWorker } from './worker.ts'

/** A simulated minute lasts a second, so that the account's rate limit shows without the wait. */
const DEMO_MINUTE_MS = 1_000
const DEMO_SUBDOMAIN = 'acme'
const DEMO_PORT = 3000
const MOST_TICKETS = 1_000_000

/** A worker in this process, for as long as it is used; when it fails, the use is over too. */
async function withWorker(
  config: Config,
  signal: AbortSignal,
  use: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
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
  // Not by --env-file-if-exists: watching a file that is not there, Node aborts at Ctrl-C.
  if (existsSync('.env')) process.loadEnvFile('.env')
  const environment = withDevelopmentSecrets(process.env)
  const dataDir = path.resolve('.data', 'postgres-18')
  await using postgres = environment['DATABASE_URL']
    ? undefined
    : await startEmbeddedPostgres({ dataDir, durable: true })
  const config = loadConfig({ ...environment, ...(postgres && { DATABASE_URL: postgres.url }) })
  setLogLevel(config.logLevel)
  await migrateToLatest(config.databaseUrl, queues)
  await using _web = await startWeb(config)
  await withWorker(config, signal, async (until) => {
    log.info({ url: config.publicUrl }, 'development service started')
    await aborted(until)
  })
}

/** A simulated account and a database that are gone afterwards. */
async function demo(options: Options, signal: AbortSignal): Promise<void> {
  await using postgres = await startEmbeddedPostgres({ durable: false })
  await using simulator = await startSimulator({
    minuteMs: DEMO_MINUTE_MS,
    accounts: [{ subdomain: DEMO_SUBDOMAIN, tickets: options.tickets }],
  })
  await migrateToLatest(postgres.url, queues)
  const { config, web } = await startDemoWeb(demoEnvironment(postgres.url, simulator))
  await using _web = web
  await withWorker(config, signal, async (until) => {
    const { adminToken = '' } = config.secrets
    const api = { baseUrl: config.publicUrl, adminToken }
    const comparison = await tour(api, demoAccount(simulator), {
      staysUp: !options.once,
      signal: until,
    })
    if (comparison.differences.length > 0) process.exitCode = 1
    if (!options.once) await aborted(until)
  })
}

function demoAccount(simulator: Simulator): DemoAccount {
  return {
    subdomain: DEMO_SUBDOMAIN,
    simulatorUrl: simulator.url,
    expected: (from) => simulator.expectedTranscripts(DEMO_SUBDOMAIN, { from }),
    privateToken: PRIVATE_TOKEN,
  }
}

function demoEnvironment(databaseUrl: string, simulator: Simulator): Environment {
  return {
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    // So that the simulated account tells of changes by itself.
    ZENDESK_SCOPE: 'read webhooks:write',
    ...process.env,
    ...demoSecrets(),
    NODE_ENV: 'development',
    DATABASE_URL: databaseUrl,
    ZENDESK_URL_TEMPLATE: simulator.urlTemplate,
    ZENDESK_MINUTE_MS: String(DEMO_MINUTE_MS),
    ZENDESK_CLIENT_ID: DEFAULT_CLIENT.id,
    ZENDESK_CLIENT_SECRET: DEFAULT_CLIENT.secret,
  }
}

/** On the port that is asked for; else on the usual one, or on a free one if another demo has that. */
async function startDemoWeb(environment: Environment): Promise<{ config: Config; web: Web }> {
  const asked = environment['PORT']
  const ports = asked ? [asked] : [DEMO_PORT, ...(await freePorts(3))]
  for (const [index, port] of ports.entries()) {
    const address = { PORT: String(port), PUBLIC_URL: `http://localhost:${port}` }
    const config = loadConfig({ ...environment, ...address })
    setLogLevel(config.logLevel)
    try {
      return { config, web: await startWeb(config) }
    } catch (error) {
      if (!(error instanceof ConfigError) || index === ports.length - 1) throw error
    }
  }
  throw new RangeError('no port was tried')
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports: number[] = []
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) ports.push(address.port)
    server.close()
  }
  return ports
}

/** Stops when the process that started this one is gone: killed, it could not tell us. */
function stopWhenOrphaned(): void {
  const parent = process.ppid
  const watch = (): void => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }
  setInterval(watch, 1_000).unref()
}

interface Options {
  readonly demo: boolean
  readonly once: boolean
  readonly tickets: number
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        demo: { type: 'boolean', default: false },
        once: { type: 'boolean', default: false },
        tickets: { type: 'string', default: '2000' },
      },
    })
    const tickets = Number(values.tickets)
    if (!(Number.isInteger(tickets) && tickets > 0 && tickets <= MOST_TICKETS)) {
      throw new TypeError(`--tickets takes a whole number from 1 to ${MOST_TICKETS}`)
    }
    return { ...values, tickets }
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : 'unknown option'])
  }
}

stopWhenOrphaned()
await runEntry(async (signal) => {
  const options = readOptions()
  if (options.demo) await demo(options, signal)
  else await dev(signal)
})
