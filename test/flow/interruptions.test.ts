import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { type FrontDoor, startFrontDoor, startWorker } from '../support/front-door.ts'
import { startPostgresProxy } from '../support/postgres-proxy.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { differencesFrom, unaccounted, until, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

test.serial(
  'a worker that is told to stop in mid-run stops, and the next one goes on',
  async (t) => {
    await using it = await connected(t)
    const first = spawnEntry(t, 'src/worker.ts', it.environment)
    await untilPublished(it, 1)
    // What does not answer does not keep the worker from stopping.
    await it.simulator.setFault({ family: 'comments', kind: 'hang', times: 3 })
    await until(async () => (await it.simulator.listFaults())[0]?.hit === 3)

    first.child.kill('SIGTERM')

    t.is(await first.exited, 0, first.output())
    t.like(await theRun(it), { state: 'waiting', waitReason: 'worker stopped', attempts: 0 })
    spawnEntry(t, 'src/worker.ts', it.environment)
    await endsExactly(t, it)
  },
)

test.serial('a worker that is told to stop keeps the token that it has asked for', async (t) => {
  await using it = await connected(t)
  const first = spawnEntry(t, 'src/worker.ts', it.environment)
  await untilPublished(it, 1)
  await it.simulator.setFault({ family: 'oauth', kind: 'slow', ms: 1_500 })
  await it.simulator.advanceClock(2 * 86_400_000)
  await until(async () => {
    const found = await sql`select from credential where refresh_started_at is not null`.execute(
      it.db,
    )
    return found.rows.length > 0
  })

  first.child.kill('SIGTERM')

  t.is(await first.exited, 0, first.output())
  spawnEntry(t, 'src/worker.ts', it.environment)
  await endsExactly(t, it)
  const use = await it.simulator.tokenUse('acme')
  t.like(use, { refreshes: 1, mostUsesOfOneRefreshToken: 1, deadRefreshTokensUsed: 0 })
})

test.serial('a database that cuts all connections again and again costs nothing', async (t) => {
  await using it = await connected(t)
  startWorker(t, it.config)

  let cuts = 0
  for (const published of [1, 50, 100, 150]) {
    await untilPublished(it, published)
    const { rows } = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and application_name like 'hearflow%'`.execute(it.db)
    cuts += rows.length
  }

  t.true(cuts > 4)
  await endsExactly(t, it)
})

test.serial('a database that is away for a while is waited for', async (t) => {
  await using it = await connected(t)
  const proxy = await startPostgresProxy(t, it.url)
  startWorker(t, { ...it.config, databaseUrl: proxy.url })
  await untilPublished(it, 1)

  proxy.shut(true)
  const { published } = await theRun(it)
  // Long enough for each loop of the worker to fail some times.
  await new Promise((resolve) => setTimeout(resolve, 4_000))

  t.is((await theRun(it)).published, published)
  proxy.shut(false)
  await endsExactly(t, it)
})

for (const status of ['paused', 'disconnected']) {
  test.serial(`nothing is stored for an integration that was ${status} in mid-run`, async (t) => {
    await using it = await connected(t)
    const worker = spawnEntry(t, 'src/worker.ts', { ...it.environment, LOG_LEVEL: 'info' })
    await untilPublished(it, 1)

    await it.db
      .updateTable('integration')
      .set({ status: status as 'paused' })
      .execute()
    const stored = await allStored(it)
    await until(() => Promise.resolve(worker.output().includes('run slice finished')))

    t.deepEqual(await allStored(it), stored)
    if (status === 'disconnected') return
    await it.db.updateTable('integration').set({ status: 'active' }).execute()
    await endsExactly(t, it)
  })
}

interface Connected extends FrontDoor, AsyncDisposable {
  readonly simulator: Simulator
}

/** An account that takes some seconds to import, with no worker yet. */
async function connected(t: ExecutionContext): Promise<Connected> {
  const settings = { rates: { account: null, incremental: null }, latencyMs: 40 }
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 300, days: 80, settings }],
  })
  const door = await startFrontDoor(t, simulator)
  await door.connect('acme')
  await door.db.updateTable('cursor').set({ pageSize: 50 }).execute()
  return { ...door, simulator, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() }
}

function theRun({ db }: Connected) {
  return db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
}

async function untilPublished(it: Connected, tickets: number): Promise<void> {
  await until(async () => (await theRun(it)).published >= tickets)
}

async function allStored({ db }: Connected): Promise<unknown> {
  const { rows } = await sql`
    select (select count(*) from ticket) as tickets, (select count(*) from outbox_entry) as entries,
      (select after_cursor from cursor) as cursor, (select tickets_seen from run) as seen`.execute(
    db,
  )
  return rows
}

async function endsExactly(t: ExecutionContext, it: Connected): Promise<void> {
  const [run] = await untilRunsEnd(it.db)
  t.is(run?.state, 'done')
  t.is(unaccounted(run!), 0)
  const expected = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })]
  t.is(run?.published, expected.length)
  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
}
