import test, { type ExecutionContext } from 'ava'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { type FrontDoor, startFrontDoor, startWorker } from '../support/front-door.ts'
import { type Fate, startPostgresProxy } from '../support/postgres-proxy.ts'
import { randomFrom } from '../support/random.ts'
import { type ServiceProcess, spawnEntry, wholeFeed } from '../support/service.ts'
import {
  differencesFrom,
  hurry,
  leaksIn,
  unaccounted,
  until,
  untilRunsEnd,
} from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

test.serial(
  'a worker that dies right before and right after each commit loses nothing',
  async (t) => {
    t.timeout(20 * 60_000)
    await using it = await connected(t)
    const { fates, fateOf } = eachCommit()
    let worker: ServiceProcess | undefined
    const onBreak = () => worker?.child.kill('SIGKILL')
    const { url } = await startPostgresProxy(t, it.url, { fateOf, onBreak })
    let isOver = false
    let output = ''
    // Twenty workers start, one after the other.
    const ended = untilRunsEnd(it.db, 15 * 60).finally(() => (isOver = true))
    while (!isOver) {
      worker = spawnEntry(t, 'src/worker.ts', {
        ...it.environment,
        DATABASE_URL: url,
        LOG_LEVEL: 'trace',
      })
      await Promise.race([worker.exited, ended])
      output += worker.output()
    }
    await ended

    await isExact(t, it, fates)
    t.deepEqual(leaksIn(output), [])
  },
)

test.serial(
  'a connection that breaks right before and right after each commit loses nothing',
  async (t) => {
    await using it = await connected(t)
    const { fates, fateOf } = eachCommit()
    const { url } = await startPostgresProxy(t, it.url, { fateOf })
    hurry(t, it.db)
    startWorker(t, { ...it.config, databaseUrl: url })

    await untilRunsEnd(it.db)

    await isExact(t, it, fates)
  },
)

interface Connected extends FrontDoor, AsyncDisposable {
  readonly simulator: Simulator
}

async function connected(t: ExecutionContext): Promise<Connected> {
  const settings = { rates: { account: null, incremental: null } }
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 210, days: 80, settings }],
  })
  const door = await startFrontDoor(t, simulator)
  await door.connect('acme')
  await door.db.updateTable('cursor').set({ pageSize: 120 }).execute()
  // One reader: two of them break so many commits that the test would not end in its time.
  await door.db.updateTable('run').set({ plan: '{"aim":"frugal"}' }).execute()
  return { ...door, simulator, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() }
}

/** The commits that bring the import further, by publications or by a page: each breaks both ways. */
function eachCommit() {
  const fates: Fate[] = []
  const fateOf = (statements: readonly string[]): Fate => {
    const isCommit = statements.at(-1) === 'commit'
    const isProgress = statements.some((sql) =>
      /insert into outbox_entry|update "cursor"/.test(sql),
    )
    if (!isCommit || !isProgress) return 'passes'
    const fate = fates.at(-1) === 'breaks before' ? 'breaks after' : 'breaks before'
    fates.push(fate)
    return fate
  }
  return { fates, fateOf }
}

async function isExact(
  t: ExecutionContext,
  { api, db, url, simulator }: Connected,
  fates: readonly Fate[],
): Promise<void> {
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  const expected = [...simulator.expectedTranscripts('acme', { from: new Date(0) })]
  t.is(run.state, 'done')
  t.is(unaccounted(run), 0)
  t.is(run.published, expected.length)
  t.true(fates.length >= 6, `${fates.length} commits broke`)
  t.is(fates.at(-1), 'breaks after')
  t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(api)), [])
  t.deepEqual(leaksIn(await dumpRows(url)), [])
}

test.serial('connections that break at any statement lose nothing', async (t) => {
  await using it = await connected(t)
  const random = randomFrom(6)
  let isOpen = false
  let broken = 0
  const fateOf = (): Fate => {
    if (!isOpen || random() > 1 / 100) return 'passes'
    broken += 1
    return random() < 0.5 ? 'breaks before' : 'breaks after'
  }
  const { url } = await startPostgresProxy(t, it.url, { fateOf })
  hurry(t, it.db)
  startWorker(t, { ...it.config, databaseUrl: url })
  await until(async () => (await theRun(it)).state !== 'queued')

  isOpen = true
  await untilRunsEnd(it.db)

  t.true(broken > 2)
  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
})

function theRun({ db }: Connected) {
  return db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
}
