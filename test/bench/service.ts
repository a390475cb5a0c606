import { randomBytes } from 'node:crypto'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import type { Api } from '../../src/demo/api.ts'
import { type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { queues } from '../../src/queues.ts'
import { connectControl } from '../../src/simulator/control.ts'
import type { AccountOptions } from '../../src/simulator/options.ts'
import { startWeb } from '../../src/web.ts'
import { createDatabase, testEnvironment } from '../support/environment.ts'
import { type BenchProcess, startProcess } from './processes.ts'

/** A simulator as a process of its own and a web process in this one, with a database of their own. */
export async function openService(
  server: string,
  {
    accounts,
    minuteMs,
  }: { readonly accounts: readonly AccountOptions[]; readonly minuteMs: number },
  overrides: Environment = {},
) {
  await using stack = new AsyncDisposableStack()
  const options = JSON.stringify({ seed: 'bench', minuteMs, accounts })
  const simulator = stack.use(startProcess('src/simulator/main.ts', [options]))
  const { urlTemplate, controlUrl } = JSON.parse(await simulator.firstLine) as {
    urlTemplate: string
    controlUrl: string
  }
  const url = await createDatabase(server, `bench_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(url, queues)
  const environment = await testEnvironment(
    url,
    { urlTemplate },
    { LOG_LEVEL: 'warn', ZENDESK_MINUTE_MS: String(minuteMs), ...overrides },
  )
  const config = loadConfig(environment)
  stack.use(await startWeb(config))
  const db = connect(url)
  stack.defer(() => db.destroy())
  const api: Api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  const opened = stack.move()
  return {
    api,
    db,
    control: connectControl(controlUrl),
    startWorker: (): BenchProcess => startWorker(environment),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function startWorker(environment: Environment): BenchProcess {
  const worker = startProcess('src/worker.ts', [], environment)
  worker.child.stdout?.pipe(process.stderr)
  worker.firstLine.catch(() => {})
  return worker
}
