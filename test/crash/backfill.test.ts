import test from 'ava'
import { connectAccount, readIntegration, windowStart } from '../../src/demo/api.ts'
import { compare } from '../../src/demo/compare.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { PERSONAL_TOKEN, PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'
import { startWeb } from '../../src/web.ts'
import { testDatabase } from '../support/database.ts'
import { dumpRows } from '../support/dump.ts'
import { testEnvironment } from '../support/environment.ts'
import { spawnEntry, untilBackfill, wholeFeed } from '../support/service.ts'
import { until } from '../support/truth.ts'

const KILLS = 20

/** A small seeded generator: the moments differ from each other, not from run to run. */
function randomMoments(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('a worker killed at twenty moments publishes what an undisturbed one does', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 2500,
        settings: { rates: { account: 400, incremental: 600 } },
      },
    ],
  })
  const { url, db } = await testDatabase(t)
  const environment = await testEnvironment(url, simulator, {
    ZENDESK_MINUTE_MS: '1000',
    LOG_LEVEL: 'trace',
  })
  const config = loadConfig(environment)
  setLogLevel('silent')
  const web = await startWeb(config)
  t.teardown(() => web[Symbol.asyncDispose]())
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  const id = await connectAccount(api, { workspaceId: 'w1', subdomain: 'acme' })

  const random = randomMoments(42)
  let output = ''
  let published = 0
  let killsInMidRun = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const worker = spawnEntry(t, 'src/worker.ts', environment)
    await until(async () => worker.output().includes('worker started'))
    await new Promise((resolve) => setTimeout(resolve, 50 + random() * 700))
    worker.child.kill('SIGKILL')
    await worker.exited
    output += worker.output()
    const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
    if (run.state === 'running') killsInMidRun++
    t.true(run.published >= published, 'what was stored stays stored')
    published = run.published
  }
  const last = spawnEntry(t, 'src/worker.ts', environment)
  await untilBackfill(api, id, 'done')
  output += last.output()

  t.true(killsInMidRun >= KILLS / 2, `${killsInMidRun} kills hit a run in progress`)
  const from = windowStart(await readIntegration(api, id))
  const expected = [...simulator.expectedTranscripts('acme', { from })]
  t.deepEqual(compare(expected, await wholeFeed(api), PRIVATE_TOKEN).differences, [])
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  t.is(run.published, expected.length)
  const traces = `${await dumpRows(url)}\n${output}`
  t.deepEqual([...new Set(traces.match(PRIVATE_TOKEN))], [])
  t.deepEqual([...new Set(traces.match(PERSONAL_TOKEN))], [])
})
