import type { ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type Config, type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { startWeb } from '../../src/web.ts'
import { testDatabase } from './database.ts'
import { testEnvironment } from './environment.ts'

export interface TestWeb {
  readonly url: string
  readonly routes: readonly string[]
  readonly databaseUrl: string
  readonly db: Kysely<Database>
  readonly config: Config
  /** Asks as the administrator, unless `token` says otherwise (`null`: as nobody). */
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<Answer>
}

export interface AskOptions {
  readonly token?: string | null
  readonly json?: unknown
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body if it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>>
  /** A value in it, by its path: `error.code`. */
  readonly at: (path: string) => unknown
}

/** The web process's part alone, in this process, on a database of the test's own. */
export async function startTestWeb(
  t: ExecutionContext,
  overrides: Environment = {},
): Promise<TestWeb> {
  const { url: databaseUrl, db } = await testDatabase(t)
  const zendesk = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  // Any free port: the tests come back from Zendesk by hand, so its address need not be public.
  const anyPort = { PORT: '0', PUBLIC_URL: 'http://127.0.0.1:3000', ...overrides }
  const config = loadConfig(await testEnvironment(databaseUrl, zendesk, anyPort))
  setLogLevel(config.logLevel)
  const web = await startWeb(config)
  t.teardown(() => web[Symbol.asyncDispose]())
  const url = `http://127.0.0.1:${web.port}`
  const ask: TestWeb['ask'] = async (method, path, options = {}) =>
    readAnswer(await fetch(`${url}${path}`, requestOf(config, method, options)))
  return { url, routes: web.routes, databaseUrl, db, config, ask }
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  // All JSON answers of the service are objects; each test asserts what it finds in them.
  const json = (isJson && text !== '' ? JSON.parse(text) : {}) as Record<string, unknown>
  const at = (path: string): unknown => path.split('.').reduce<unknown>(valueOf, json)
  return { status: response.status, headers: response.headers, text, json, at }
}

function valueOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function requestOf(config: Config, method: string, options: AskOptions): RequestInit {
  const token = options.token === undefined ? config.secrets.adminToken : options.token
  const body = options.json === undefined ? options.body : JSON.stringify(options.json)
  return {
    method,
    redirect: 'manual',
    headers: {
      ...(typeof token === 'string' && { authorization: `Bearer ${token}` }),
      ...(options.json !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body }),
  }
}

/** All that a request could change for a customer; consents that were used up do not count. */
export async function stateOf(db: Kysely<Database>): Promise<unknown> {
  const tables = ['workspace', 'feed', 'integration', 'lease', 'credential', 'run', 'cursor']
  const rows = await Promise.all(
    [...tables, 'pgboss.job'].map(async (table) => {
      const { rows: found } = await sql<{ row: unknown }>`
        select row_to_json(t)::text as row from ${sql.table(table)} t order by 1`.execute(db)
      return [table, found.map(({ row }) => row)]
    }),
  )
  return Object.fromEntries(rows)
}
