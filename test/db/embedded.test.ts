import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { findBinaries, requireBinaries } from '../../db/embedded/binaries.ts'
import { commandOf } from '../../db/embedded/process-table.ts'
import { DatabaseError } from '../../src/platform/errors.ts'

/** A machine for which there are no binaries runs the tests on a server of its own. */
const embeddedTest = findBinaries() === undefined ? test.skip : test

embeddedTest('a server answers, and its end leaves no process and no folder', async (t) => {
  const postgres = await startEmbeddedPostgres({ durable: false })
  const server = await serverBehind(postgres.url)

  await postgres[Symbol.asyncDispose]()

  t.regex(postgres.url, new RegExp(`^postgres://postgres:[\\w-]{32}@127.0.0.1:${postgres.port}/`))
  t.is(commandOf(server.pid), undefined)
  t.false(existsSync(server.home))
})

embeddedTest('a wrong password is refused', async (t) => {
  await using postgres = await startEmbeddedPostgres({ durable: false })
  const url = new URL(postgres.url)
  url.password = 'wrong'

  await t.throwsAsync(query(url.href, 'select 1'), { message: /password authentication failed/ })
})

embeddedTest('two servers of one clone run side by side', async (t) => {
  await using one = await startEmbeddedPostgres({ durable: false })
  await using other = await startEmbeddedPostgres({ durable: false })

  t.not(one.port, other.port)
  t.not((await serverBehind(one.url)).home, (await serverBehind(other.url)).home)
})

embeddedTest(
  'SIGKILL of its process ends the server, and the next start removes the folder',
  async (t) => {
    const holder = await holdPostgres(t)
    const server = await serverBehind(holder.url)

    await kill(holder.process)

    await untilGone(server.pid)
    const next = await startEmbeddedPostgres({ durable: false })
    await next[Symbol.asyncDispose]()
    t.false(existsSync(server.home))
  },
)

embeddedTest('kept data is found again after a stop and after SIGKILL', async (t) => {
  const dataDir = temporaryFolder(t)
  const first = await startEmbeddedPostgres({ durable: true, dataDir })
  await query(first.url, 'create table kept as select 1 as row')
  await first[Symbol.asyncDispose]()
  const holder = await holdPostgres(t, dataDir)
  await query(holder.url, 'insert into kept values (2)')
  await kill(holder.process)

  // The server of the killed process may still be stopping: the start waits for it.
  await using third = await startEmbeddedPostgres({ durable: true, dataDir })

  t.deepEqual(await query(third.url, 'select row from kept order by row'), [{ row: 1 }, { row: 2 }])
})

embeddedTest('kept data that a living server uses is refused, by name', async (t) => {
  const dataDir = temporaryFolder(t)
  await using postgres = await startEmbeddedPostgres({ durable: true, dataDir })
  const { home } = await serverBehind(postgres.url)

  const error = await t.throwsAsync(startEmbeddedPostgres({ durable: true, dataDir }), {
    instanceOf: DatabaseError,
  })

  t.true(error.message.startsWith(`the database in ${home} is in use by process ${process.pid}: `))
  t.deepEqual(await query(postgres.url, 'select 1 as one'), [{ one: 1 }])
})

test('where there are no binaries, the error says what to do', (t) => {
  t.throws(() => requireBinaries('sunos-mips'), { message: /for sunos-mips .* set DATABASE_URL/ })
})

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function serverBehind(url: string): Promise<{ pid: number; home: string }> {
  const [row] = await query(url, "select current_setting('data_directory') as data")
  const { data } = row as { data: string }
  return {
    pid: Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10),
    home: dirname(data),
  }
}

async function holdPostgres(
  t: ExecutionContext,
  ...args: string[]
): Promise<{ process: ChildProcess; url: string }> {
  const script = join(import.meta.dirname, 'embedded/hold-postgres.ts')
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { process: child, url }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Nobody tells us when a process that is not our child ends; ava's timeout is the limit. */
async function untilGone(pid: number): Promise<void> {
  while (commandOf(pid) !== undefined) await sleep(10)
}

function temporaryFolder(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'hearflow-test-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  return dir
}
