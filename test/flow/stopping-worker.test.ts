import test, { type ExecutionContext } from 'ava'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { emptyDatabase } from '../support/database.ts'
import { testEnvironment } from '../support/environment.ts'
import { type FrontDoor, startFrontDoor } from '../support/front-door.ts'
import { startPostgresProxy } from '../support/postgres-proxy.ts'
import { SECRET, aReceiver } from '../support/receiver.ts'
import { spawnEntry, untilSaid, wholeFeed } from '../support/service.ts'
import {
  differencesFrom,
  hurry,
  lastWord,
  until as untilWithin,
  untilRunsEnd,
} from '../support/truth.ts'

// A worker process that is told to stop. That it ends with 0 says that it did so within its grace.

/** Processes start beside whatever else the machine is at. */
const until = (condition: () => Promise<boolean>): Promise<void> => untilWithin(condition, 300)

test('a worker stops in mid-request and in a delivery, and another goes on', async (t) => {
  await using simulator = await anAccount(t, ['hanging', 'imported'])
  const receiver = await aReceiver(t, () => {})
  const door = await startFrontDoor(t, simulator, {
    LOG_LEVEL: 'info',
    SINK_URL: receiver.url,
    SINK_SECRET: SECRET,
  })
  for (const subdomain of ['hanging', 'imported']) await door.connect(subdomain)
  await simulator.setFault({ subdomain: 'hanging', family: 'comments', kind: 'hang', times: null })
  const first = spawnEntry(t, 'src/worker.ts', door.environment)
  await until(async () => receiver.received.length > 0)
  await until(async () => (await simulator.listFaults()).every(({ hit }) => hit > 0))
  const second = spawnEntry(t, 'src/worker.ts', door.environment)
  await untilSaid(second, 'worker started')
  const { fence } = await leaseOf(door, 'hanging')

  first.child.kill('SIGTERM')
  first.child.kill('SIGTERM')
  first.child.kill('SIGINT')

  t.is(await first.exited, 0, first.output())
  await until(async () => (await leaseOf(door, 'hanging')).fence > fence)
  t.regex(first.output(), /"end":"stopped"/)
  await until(async () => (await runOf(door, 'hanging')).state === 'running')

  const killedAt = await leaseOf(door, 'hanging')
  spawnEntry(t, 'src/worker.ts', door.environment)
  second.child.kill('SIGKILL')
  await until(async () => (await leaseOf(door, 'hanging')).fence > killedAt.fence)
  await simulator.clearFaults()
  hurry(t, door.db)
  const runs = await untilRunsEnd(door.db)
  t.deepEqual(
    new Set(runs.map(({ state, attempts }) => `${state} ${attempts}`)),
    new Set(['done 0']),
  )
  const feed = (await wholeFeed(door.api)).filter(isOf('hanging'))
  t.deepEqual(differencesFrom(simulator, 'hanging', lastWord(feed)), [])
})

test('a worker whose database has gone silent in mid-run stops, and another goes on', async (t) => {
  await using simulator = await anAccount(t, ['acme'])
  const door = await startFrontDoor(t, simulator, { LOG_LEVEL: 'info' })
  await door.connect('acme')
  const proxy = await startPostgresProxy(t, door.url)
  await simulator.setFault({ family: 'comments', kind: 'hang', times: null })
  const environment = { ...door.environment, DATABASE_URL: proxy.url }
  const first = spawnEntry(t, 'src/worker.ts', environment)
  await until(async () => (await simulator.listFaults())[0]?.hit !== 0)
  const { fence } = await leaseOf(door, 'acme')

  proxy.hush()
  first.child.kill('SIGTERM')

  t.is(await first.exited, 0, first.output())
  await simulator.clearFaults()
  spawnEntry(t, 'src/worker.ts', door.environment)
  const [run] = await untilRunsEnd(door.db)
  t.is(run?.state, 'done')
  t.true((await leaseOf(door, 'acme')).fence > fence)
  t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(door.api)), [])
})

test('a release that is told to stop comes to its end, and nobody has to repeat it', async (t) => {
  const url = await emptyDatabase(t)
  const began = Promise.withResolvers<void>()
  const proxy = await startPostgresProxy(t, url, {
    fateOf: (statements) => {
      if (/create table/i.test(statements.at(-1) ?? '')) began.resolve()
      return 'passes'
    },
  })
  const nobody = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  const environment = await testEnvironment(proxy.url, nobody, { LOG_LEVEL: 'info' })
  const release = spawnEntry(t, 'db/release.ts', environment)
  await began.promise

  release.child.kill('SIGTERM')

  t.is(await release.exited, 0, release.output())
  const again = spawnEntry(t, 'db/release.ts', environment)
  t.is(await again.exited, 0)
  t.regex(again.output(), /"applied":\[\]/)
})

test('a release that is cut off does not pass for one', async (t) => {
  const url = await emptyDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  proxy.hush()
  const nobody = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  const release = spawnEntry(t, 'db/release.ts', await testEnvironment(proxy.url, nobody))
  await until(async () => proxy.connections() > 0)

  release.child.kill('SIGTERM')

  t.is(await release.exited, 1)
})

/** Accounts of some pages, which no limit holds up. */
function anAccount(t: ExecutionContext, subdomains: readonly string[]): Promise<Simulator> {
  const settings = { rates: { account: null, incremental: null } }
  return startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: subdomains.map((subdomain) => ({ subdomain, tickets: 40, days: 80, settings })),
  })
}

function leaseOf({ db }: FrontDoor, subdomain: string) {
  return db
    .selectFrom('lease')
    .innerJoin('integration', 'integration.id', 'lease.integrationId')
    .select('fence')
    .where('subdomain', '=', subdomain)
    .executeTakeFirstOrThrow()
}

function runOf({ db }: FrontDoor, subdomain: string) {
  return db
    .selectFrom('run')
    .innerJoin('integration', 'integration.id', 'run.integrationId')
    .select('run.state')
    .where('subdomain', '=', subdomain)
    .executeTakeFirstOrThrow()
}

function isOf(subdomain: string) {
  return ({ transcript }: { transcript: { id: string } }): boolean =>
    transcript.id.startsWith(`zendesk:${subdomain}:`)
}
