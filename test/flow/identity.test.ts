import test, { type ExecutionContext } from 'ava'
import { readIntegration } from '../../src/demo/api.ts'
import type { LoggedRequest } from '../../src/simulator/serve/request-log.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { PUBLIC_TOKEN } from '../../src/simulator/world/tokens.ts'
import { type FrontDoor, startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, until, untilRunsEnd, window } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

const LATENCY_MS = 40
const DAY_MS = 86_400_000
const UNLIMITED = { account: null, incremental: null }
/** What one integration has under way at once. */
const IN_FLIGHT = 16

test.serial('an account taken over between two slices gets one request, then none', async (t) => {
  await using it = await importHalf(t)
  await stop(it)
  await it.simulator.setAccount('acme', { takenBy: 'stranger' })

  startWorker(t, it.config)
  await untilErrored(t, it)

  t.deepEqual((await it.simulator.requests()).map(nameOf), ['GET /api/v2/users/me.json'])
  t.deepEqual(await foreignTexts(it), [])
  await staysSilent(t, it)
  await it.simulator.setAccount('acme', { takenBy: null })
  await goesOnToTheEnd(t, it)
})

test.serial(
  'an account taken over in the middle of a slice is found out in the slice',
  async (t) => {
    await using it = await importHalf(t)
    await it.simulator.setAccount('acme', { takenBy: 'stranger' })

    await untilErrored(t, it)

    const requests = (await it.simulator.requests()).map(nameOf)
    const isQuestion = (name: string): boolean => name === 'GET /api/v2/users/me.json'
    t.true(isQuestion(requests[requests.findLastIndex(isQuestion)] ?? ''))
    // Those that were under way when the answer came may be logged behind it.
    const after = requests.length - 1 - requests.findLastIndex(isQuestion)
    t.true(after <= IN_FLIGHT, `${after} requests after the answer`)
    t.log(`${after} requests were under way`)
    await staysSilent(t, it)
  },
)

test.serial('an account taken over before a refresh shows it to the new token', async (t) => {
  await using it = await importHalf(t)
  await stop(it)
  await it.simulator.setAccount('acme', { takenBy: 'stranger' })
  await it.simulator.advanceClock(2 * DAY_MS)
  await it.db.updateTable('credential').set({ expiresAt: new Date() }).execute()

  startWorker(t, it.config)
  await untilErrored(t, it)

  const expected = ['POST /oauth/tokens', 'GET /api/v2/users/me.json']
  t.deepEqual((await it.simulator.requests()).map(nameOf), expected)
  t.deepEqual(await foreignTexts(it), [])
  await staysSilent(t, it)
  await it.simulator.setAccount('acme', { takenBy: null })
  await goesOnToTheEnd(t, it)
})

test.serial('an account that was renamed away stops, and goes on when it is back', async (t) => {
  await using it = await importHalf(t)
  await it.simulator.setAccount('acme', { renamedAway: true })

  await untilErrored(t, it)

  const requests = await it.simulator.requests()
  const first = requests.findIndex(({ status }) => status === 404)
  const after = requests.length - 1 - first
  t.true(after <= IN_FLIGHT, `${after} requests after the answer`)
  t.log(`${after} requests were under way`)
  await staysSilent(t, it)
  await it.simulator.setAccount('acme', { renamedAway: false })
  await goesOnToTheEnd(t, it)
})

test.serial('an account that was renamed away is not asked to refresh twice', async (t) => {
  await using it = await importHalf(t)
  await stop(it)
  await it.simulator.setAccount('acme', { renamedAway: true })
  await it.db.updateTable('credential').set({ expiresAt: new Date() }).execute()

  startWorker(t, it.config)
  await untilErrored(t, it)

  t.deepEqual((await it.simulator.requests()).map(nameOf), ['POST /oauth/tokens'])
  await staysSilent(t, it)
})

test.serial('a consent of another person replaces the one that is compared with', async (t) => {
  await using it = await importHalf(t)
  await stop(it)
  // As if somebody else had connected the account before.
  await it.db.updateTable('integration').set({ zendeskUserId: 1 }).execute()
  startWorker(t, it.config)
  await untilErrored(t, it)

  await goesOnToTheEnd(t, it)
})

interface HalfImported extends FrontDoor, AsyncDisposable {
  readonly simulator: Simulator
  readonly id: string
  readonly worker: { stop: () => Promise<void> }
}

/** An import in the middle: one page of many is stored. */
async function importHalf(t: ExecutionContext): Promise<HalfImported> {
  const account = { tickets: 240, days: 80 }
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { ...account, subdomain: 'acme', settings: { rates: UNLIMITED, latencyMs: LATENCY_MS } },
      { ...account, subdomain: 'stranger' },
    ],
  })
  const door = await startFrontDoor(t, simulator)
  const id = await door.connect('acme')
  await door.db.updateTable('cursor').set({ pageSize: 20 }).execute()
  const worker = startWorker(t, door.config)
  await until(async () => (await theRun(door)).pages > 0)
  const dispose = () => simulator[Symbol.asyncDispose]()
  return { ...door, simulator, id, worker, [Symbol.asyncDispose]: dispose }
}

/** Ends the worker between two slices; what it broke off is logged once it would be answered. */
async function stop({ worker, simulator }: HalfImported): Promise<void> {
  await worker.stop()
  await new Promise((resolve) => setTimeout(resolve, 10 * LATENCY_MS))
  await simulator.clearRequests()
}

function theRun({ db }: Pick<FrontDoor, 'db'>) {
  return db.selectFrom('run').selectAll().orderBy('createdAt').executeTakeFirstOrThrow()
}

/** Waits until the import has stopped for this; a person is told what to do. */
async function untilErrored(t: ExecutionContext, { api, db, id }: HalfImported): Promise<void> {
  const [run] = await untilRunsEnd(db)
  t.is(`${run?.state} ${run?.errorCode}`, 'failed account_changed')
  const { status, error } = await readIntegration(api, id)
  t.is(`${status} ${error?.code}`, 'errored account_changed')
  t.regex(error?.message ?? '', /renamed, connect it under its new subdomain/)
  const answer = await fetch(`${api.baseUrl}/admin/integrations/${id}`, {
    headers: { authorization: `Bearer ${api.adminToken}` },
  })
  t.like(await answer.json(), { reconnect_required: true })
}

/** Nothing more goes out, whoever looks for work: the worker asks the rows every two seconds. */
async function staysSilent(t: ExecutionContext, { simulator }: HalfImported): Promise<void> {
  await simulator.clearRequests()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  t.deepEqual(await simulator.requests(), [])
}

/** Texts in the feed that only the other account holds. */
async function foreignTexts({ api, simulator }: HalfImported): Promise<readonly string[]> {
  const known = new Set(JSON.stringify(ownTexts(simulator)).match(PUBLIC_TOKEN))
  const published = JSON.stringify(await wholeFeed(api)).match(PUBLIC_TOKEN) ?? []
  return published.filter((token) => !known.has(token))
}

/** By its subject, too, each text carries a token of its account. */
function ownTexts(simulator: Simulator): readonly unknown[] {
  return [...simulator.expectedTranscripts('acme', window)]
}

function nameOf({ method, path }: LoggedRequest): string {
  return `${method} ${path}`
}

async function goesOnToTheEnd(t: ExecutionContext, it: HalfImported): Promise<void> {
  const { db, api, id, simulator, reconnect } = it
  const { afterCursor } = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
  t.truthy(afterCursor)
  await simulator.clearRequests()

  await reconnect(id)
  const runs = await untilRunsEnd(db)

  t.deepEqual(runs.map((run) => run.state).toSorted(), ['done', 'failed'])
  t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(api)), [])
  const pages = await simulator.requests({ family: 'incremental' })
  const asked = pages.map(({ query }) => new URLSearchParams(query).get('cursor'))
  t.is(
    asked.find((cursor) => cursor !== null),
    String(afterCursor),
  )
  t.is((await readIntegration(api, id)).status, 'active')
}
