import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor } from '../support/front-door.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { differencesFrom, leaksIn, unaccounted, untilRunsEnd } from '../support/truth.ts'

const MINUTE_MS = 1_000

test('two workers share the budget of an account that two workspaces import', async (t) => {
  const rates = { account: 600, incremental: 60 }
  const account = { tickets: 300, days: 80, settings: { rates } }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: MINUTE_MS,
    accounts: [
      { subdomain: 'acme', ...account },
      { subdomain: 'other', ...account },
    ],
  })
  const { api, url, db, environment, connect } = await startFrontDoor(t, simulator, {
    ZENDESK_MINUTE_MS: String(MINUTE_MS),
    LOG_LEVEL: 'trace',
  })
  await connect('acme', 'w1')
  await connect('acme', 'w2')
  await connect('other', 'w1')
  await db.updateTable('cursor').set({ pageSize: 50 }).execute()

  const workers = [1, 2].map(() => spawnEntry(t, 'src/worker.ts', environment))
  const runs = await untilRunsEnd(db)

  for (const run of runs) {
    t.is(unaccounted(run), 0)
    t.like(run, { state: 'done', ticketsSeen: 300, unchanged: 0, attempts: 0 })
  }
  for (const [workspaceId, subdomain] of [
    ['w1', 'acme'],
    ['w1', 'other'],
    ['w2', 'acme'],
  ] as const) {
    const feed = (await wholeFeed(api, workspaceId)).filter(({ transcript }) =>
      transcript.id.startsWith(`zendesk:${subdomain}:`),
    )
    t.deepEqual(differencesFrom(simulator, subdomain, feed), [], `${workspaceId} ${subdomain}`)
  }
  const statuses = Object.keys((await simulator.counters()).byFamilyAndStatus)
  t.deepEqual(
    statuses.filter((it) => it.endsWith('429')),
    [],
  )
  t.is(await mostReads('acme'), 2)
  t.is(await mostReads('other'), 1)
  t.deepEqual(leaksIn(await dumpRows(url)), [])
  for (const worker of workers) t.deepEqual(leaksIn(worker.output()), [])

  /** How often the same page of comments was asked for at most. */
  async function mostReads(subdomain: string): Promise<number> {
    const requests = await simulator.requests({ subdomain, family: 'comments' })
    const counts = Object.values(Object.groupBy(requests, ({ path, query }) => `${path}?${query}`))
    return Math.max(...counts.map((same) => same?.length ?? 0))
  }
})
