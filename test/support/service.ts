import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import {
  type Api,
  type Publication,
  connectAccount,
  readFeed,
  readIntegration,
} from '../../src/demo/api.ts'
import { type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { startWeb } from '../../src/web.ts'
import { runWorker } from '../../src/worker.ts'
import { testDatabase } from './database.ts'
import { testEnvironment } from './environment.ts'
import { PATIENCE_SECONDS } from './patience.ts'

const root = path.join(import.meta.dirname, '..', '..')

export interface TestService {
  readonly api: Api
  readonly url: string
  readonly db: Kysely<Database>
  readonly environment: Environment
  /** Ends the worker and waits until it has stopped. */
  readonly stopWorker: () => Promise<void>
}

/** Web and worker in this process on a database of their own, until the test ends. */
export async function startService(
  t: ExecutionContext,
  simulator: { readonly urlTemplate: string },
  overrides: Environment = {},
): Promise<TestService> {
  const { url, db } = await testDatabase(t)
  const environment = await testEnvironment(url, simulator, overrides)
  const config = loadConfig(environment)
  setLogLevel(config.logLevel)
  const stop = new AbortController()
  const web = await startWeb(config)
  const worker = runWorker(config, stop.signal)
  const stopWorker = async (): Promise<void> => {
    stop.abort()
    await worker
  }
  t.teardown(async () => {
    await stopWorker()
    await web[Symbol.asyncDispose]()
  })
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  return { api, url, db, environment, stopWorker }
}

/** Connects the account and waits until its backfill is done; returns the integration's id. */
export async function importAccount(api: Api, subdomain = 'acme'): Promise<string> {
  const id = await connectAccount(api, { workspaceId: 'w1', subdomain })
  await untilBackfill(api, id, 'done')
  return id
}

export async function untilBackfill(api: Api, id: string, state: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_SECONDS * 1_000
  for (;;) {
    const integration = await readIntegration(api, id)
    if (integration.backfill?.state === state) return
    if (integration.status === 'errored' && state !== 'failed') {
      throw new Error(`integration errored: ${integration.error?.code}`)
    }
    if (performance.now() > deadline) {
      throw new Error(`the backfill stays ${integration.backfill?.state}, and is not ${state}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export async function wholeFeed(api: Api, workspaceId = 'w1'): Promise<Publication[]> {
  return Array.fromAsync(readFeed(api, workspaceId))
}

export interface ServiceProcess {
  readonly child: ChildProcess
  /** Everything written to standard output and standard error so far. */
  readonly output: () => string
  readonly exited: Promise<number | NodeJS.Signals>
}

/** Starts `node src/{entry}.ts` as a process of its own; it is killed when the test ends. */
export function spawnEntry(
  t: ExecutionContext,
  entry: string,
  environment: Environment,
): ServiceProcess {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [path.join(root, entry)], {
    cwd: root,
    env: { PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0)),
  )
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { child, output: () => Buffer.concat(chunks).toString(), exited }
}

/** Waits until it has logged this message, however long it takes to start. */
export async function untilSaid(
  { child, output, exited }: ServiceProcess,
  message: string,
): Promise<void> {
  while (!output().includes(`"msg":"${message}"`)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended before it said "${message}": ${output()}`)
    }
    await Promise.race([exited, once(child.stdout ?? child, 'data')])
  }
}
