import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from '../../src/platform/errors.ts'
import type { PostgresHome } from './home.ts'
import { type Account, type Leashed, spawnOnLeash } from './leash.ts'
import { livePostmaster } from './postmaster.ts'

const POLL_MS = 10
/** After a kill, the server first replays its log. */
const READY_MS = 120_000
/** Between our look for a free port and the server's start somebody else may take it. */
const PORT_TRIES = 5

export interface ServerOptions {
  readonly durable: boolean
  readonly signal?: AbortSignal | undefined
}

const ALWAYS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  // A failed statement and its details hold values of rows; they have no place in a log.
  'log_min_error_statement=panic',
  'log_error_verbosity=terse',
]
const NOT_DURABLE = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  // Many tests run at once, each with pools of its own.
  'max_connections=400',
]

const DURABLE_INIT = ['-A', 'scram-sha-256']
/**
 * A run of the tests connects ten thousand times, and a proof of the password costs a third of that.
 * A password that is random and lives as long as the server needs none: it leaves no machine, and is
 * not to be guessed from its hash.
 */
const NOT_DURABLE_INIT = ['-A', 'password', '-c', 'scram_iterations=1', '--no-sync']

/**
 * Makes the data directory unless there is one, and gives back the password. `initdb` works in a
 * folder beside it, so that a killed one leaves nothing that looks whole.
 */
export async function initialise(
  home: PostgresHome,
  bin: string,
  { durable }: ServerOptions,
): Promise<string> {
  const passwordFile = join(home.dir, 'password')
  if (existsSync(home.data)) return readFileSync(passwordFile, 'utf8')
  const password = writePassword(passwordFile, home.account)
  const unfinished = `${home.data}-unfinished`
  makeServerDir(unfinished, home.account)
  const encoding = '-E UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8'
  const login = ['-U', 'postgres', '--pwfile', passwordFile]
  const kind = durable ? DURABLE_INIT : NOT_DURABLE_INIT
  const command = [join(bin, 'initdb'), '-D', unfinished, ...login, ...encoding.split(' '), ...kind]
  const initdb = run(home, command)
  if ((await initdb.ended) !== 0) throw failure(home, 'cannot make a database')
  renameSync(unfinished, home.data)
  return password
}

function writePassword(file: string, account: Account | undefined): string {
  const password = randomBytes(24).toString('base64url')
  rmSync(file, { force: true })
  writeFileSync(file, password, { mode: 0o600, flag: 'wx' })
  if (account !== undefined) chownSync(file, account.uid, account.gid)
  return password
}

/** Makes an empty folder that the server's account owns. */
function makeServerDir(dir: string, account: Account | undefined): void {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { mode: 0o700 })
  if (account !== undefined) chownSync(dir, account.uid, account.gid)
}

/** Starts the server on a free port and waits until it takes connections. */
export async function serve(
  home: PostgresHome,
  bin: string,
  options: ServerOptions,
): Promise<{ port: number; server: Leashed }> {
  // Nobody serves this directory (see `home.ts`): what a killed server left here only confuses.
  rmSync(join(home.data, 'postmaster.pid'), { force: true })
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const settings = [...ALWAYS, ...(options.durable ? [] : NOT_DURABLE), `port=${port}`]
    const flags = settings.flatMap((setting) => ['-c', setting])
    const server = run(home, [join(bin, 'postgres'), '-D', home.data, ...flags])
    if (await becomesReady(home, server, port, options.signal)) return { port, server }
    if (attempt === PORT_TRIES || !logOf(home).includes('Address already in use')) {
      throw failure(home, 'cannot start Postgres')
    }
  }
}

/** False if the server ended instead. */
async function becomesReady(
  home: PostgresHome,
  server: Leashed,
  port: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let hasEnded = false
  const ended = server.ended.then(() => (hasEnded = true))
  const startedAt = performance.now()
  while (!hasEnded) {
    const postmaster = livePostmaster(home.data)
    if (postmaster?.isReady && postmaster.port === port) return true
    if (signal?.aborted || performance.now() - startedAt > READY_MS) {
      server.stop()
      await ended
      signal?.throwIfAborted()
      throw failure(home, 'Postgres did not become ready')
    }
    await Promise.race([ended, sleep(POLL_MS)])
  }
  return false
}

/** The command runs with the server's account and few variables. */
function run(home: PostgresHome, command: readonly string[]): Leashed {
  const logFile = join(home.dir, 'postgres.log')
  rmSync(logFile, { force: true })
  const log = openSync(logFile, 'wx', 0o600)
  try {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
    const { account } = home
    return spawnOnLeash(command, { cwd: '/', env, stdout: log, stderr: log, account })
  } finally {
    closeSync(log)
  }
}

function logOf(home: PostgresHome): string {
  return readFileSync(join(home.dir, 'postgres.log'), 'utf8')
}

function failure(home: PostgresHome, what: string): DatabaseError {
  const lines = logOf(home).trim().split('\n').slice(-5).join('\n  ')
  return new DatabaseError(
    `${what} in ${home.dir}; set DATABASE_URL to use a server of your own. Postgres says:\n  ${lines}`,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
