import test, { type ExecutionContext } from 'ava'
import { IntegrationId } from '../../src/ids.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { freePort } from '../support/environment.ts'
import { type FrontDoor, startFrontDoor, startWorker } from '../support/front-door.ts'
import { type ServiceProcess, spawnEntry, untilSaid, wholeFeed } from '../support/service.ts'
import { Router, type Traffic, startTraffic } from '../support/traffic.ts'
import {
  differencesFrom,
  gapsIn,
  hurry,
  lastWord,
  unaccounted,
  until,
  untilRunsEnd,
} from '../support/truth.ts'
import { storeSigningSecret } from '../support/webhook-rows.ts'

// Two webs and two workers of their own, replaced one after the other under load. `ROLLS` says how
// often each of them is; with more than one the slot comes by the clock in the middle of them.

const ROLLS = Number(process.env['ROLLS'] ?? 1)
const isLong = ROLLS > 1
const IMPORTS = isLong ? 8 : 3
const TICKETS = isLong ? 400 : 60
const LANES = isLong ? 16 : 4

/** The one that has been imported before, and is due for its slot during the deploy. */
const SLOTTED = 'acme'
const imported = Array.from({ length: IMPORTS }, (_, index) => `other${index}`)
/** By the clock all of them are due. */
const due = isLong ? [SLOTTED, ...imported] : [SLOTTED]

/** A worker looks each minute, and is woken besides. By the clock a slot may be twice that late. */
const ON_TIME_MS = 120_000

/** Eight processes start beside whatever else the machine is at. */
const PATIENCE_SECONDS = 300

test.serial('two webs and two workers are replaced under load, and nobody notices', async (t) => {
  t.timeout((60 + ROLLS * 60) * 5_000)
  const settings = { rates: { account: null, incremental: null } }
  const account = { tickets: TICKETS, days: 80, settings }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [SLOTTED, ...imported].map((subdomain) => ({ subdomain, ...account })),
  })
  const slot = new Date(Math.floor(Date.now() / 60_000 + (isLong ? 4 : 0)) * 60_000)
  const door = await startFrontDoor(t, simulator, {
    LOG_LEVEL: 'info',
    WORKER_CONCURRENCY: '2',
    SYNC_TIME_UTC: slot.toISOString().slice(11, 16),
  })
  const slotted = await importBefore(t, door, simulator)
  for (const subdomain of imported) await door.connect(subdomain)
  await door.db.updateTable('cursor').set({ pageSize: 20 }).execute()
  // Nothing of this one can be imported while the deploy goes on: somebody is always at it.
  await simulator.setFault({
    subdomain: imported[0]!,
    family: 'comments',
    kind: 'hang',
    times: null,
  })

  const fleet = await startFleet(t, door)
  const traffic = startTraffic(t, fleet.router, {
    ...slotted,
    workspaceId: 'w1',
    token: door.api.adminToken,
    lanes: LANES,
  })
  await until(async () => (await runningRuns(door)) > 0, PATIENCE_SECONDS)
  const before = Math.max(Date.now(), slot.getTime())
  if (!isLong) await makeDue(door)
  for (let roll = 0; roll < ROLLS || Date.now() < slot.getTime(); roll++) {
    await fleet.replace(0)
    await fleet.replace(1)
  }
  await simulator.clearFaults()
  hurry(t, door.db)
  await until(async () => (await slotRuns(door)).length >= due.length, PATIENCE_SECONDS)
  const runs = await untilRunsEnd(door.db, PATIENCE_SECONDS)
  await traffic.stop()

  t.deepEqual(new Set(fleet.exits), new Set([0]), 'each of them ended in time')
  t.true(fleet.stoppedSlices() > 0, 'some run was taken over by another worker')
  t.deepEqual(
    runs.map(({ state }) => state),
    runs.map(() => 'done' as const),
  )
  t.is(runs.length, 1 + IMPORTS + due.length)
  for (const run of runs) t.is(unaccounted(run), 0)
  const slots = await slotRuns(door)
  t.deepEqual(slots.map(({ subdomain }) => subdomain).toSorted(), due.toSorted())
  for (const run of slots) t.deepEqual(run.slot?.toJSDate(), slot)
  const slotLateMs = Math.max(...slots.map(({ createdAt }) => createdAt.toMillis())) - before
  t.true(!isLong || slotLateMs < ON_TIME_MS, 'the slot is on time')
  await nothingIsLost(t, { door, simulator, traffic })
  t.log({
    webhooks: traffic.accepted.length,
    processes: fleet.exits.length,
    stoppedSlices: fleet.stoppedSlices(),
    turnedAway: fleet.router.turnedAway,
    slotLateMs,
  })
})

/** The account that has been there for a while: its import is done, and something has changed since. */
async function importBefore(t: ExecutionContext, door: FrontDoor, simulator: Simulator) {
  const integrationId = IntegrationId.parse(await door.connect(SLOTTED))
  const worker = startWorker(t, door.config)
  await untilRunsEnd(door.db, PATIENCE_SECONDS)
  await worker.stop()
  await storeSigningSecret(door.db, door.config, integrationId)
  const ticketIds = (await wholeFeed(door.api)).map(({ transcript }) => transcript.ticket.id)
  for (const ticketId of ticketIds.slice(0, 5)) {
    await simulator.mutate(SLOTTED, { kind: 'add_comment', ticketId, text: 'One more thing.' })
  }
  return { integrationId, ticketIds }
}

/** As if it had been connected two days ago. */
async function makeDue({ db }: FrontDoor): Promise<void> {
  const past = new Date(Date.now() - 2 * 86_400_000)
  await db.updateTable('workspace').set({ scheduledSince: past }).execute()
  await db
    .updateTable('integration')
    .set({ scheduledFrom: past })
    .where('subdomain', '=', SLOTTED)
    .execute()
}

function slotRuns({ db }: FrontDoor) {
  return db
    .selectFrom('run')
    .innerJoin('integration', 'integration.id', 'run.integrationId')
    .select(['subdomain', 'slot', 'run.createdAt'])
    .where('slot', 'is not', null)
    .execute()
}

async function runningRuns({ db }: FrontDoor): Promise<number> {
  return (await db.selectFrom('run').select('id').where('state', '=', 'running').execute()).length
}

async function startFleet(t: ExecutionContext, { environment }: FrontDoor) {
  const router = new Router()
  const exits: (number | NodeJS.Signals)[] = []
  const workers: ServiceProcess[] = []
  const gone: ServiceProcess[] = []
  const webs: (ServiceProcess & { readonly port: number })[] = []

  const startWorkerProcess = async (): Promise<ServiceProcess> => {
    const worker = spawnEntry(t, 'src/worker.ts', environment)
    await untilSaid(worker, 'worker started')
    return worker
  }
  const startWebProcess = async () => {
    const port = await freePort()
    const web = spawnEntry(t, 'src/web.ts', { ...environment, PORT: String(port) })
    await untilSaid(web, 'listening')
    return { ...web, port }
  }
  const stop = async (process: ServiceProcess | undefined): Promise<void> => {
    if (process === undefined) return
    gone.push(process)
    process.child.kill('SIGTERM')
    exits.push(await process.exited)
  }
  /** First the new ones, then the old ones end. */
  const replace = async (index: number): Promise<void> => {
    const old = { web: webs[index], worker: workers[index] }
    const [web, worker] = await Promise.all([startWebProcess(), startWorkerProcess()])
    webs[index] = web
    workers[index] = worker
    router.ports = webs.map(({ port }) => port).concat(old.web?.port ?? [])
    // The router goes on to ask the old one until it has ended.
    await Promise.all([stop(old.web), stop(old.worker)])
    router.ports = webs.map(({ port }) => port)
  }
  await Promise.all([replace(0), replace(1)])
  const stoppedSlices = (): number =>
    gone.flatMap(({ output }) => output().match(/"end":"stopped"/g) ?? []).length
  return { router, exits, replace, stoppedSlices }
}

interface Ended {
  readonly door: FrontDoor
  readonly simulator: Simulator
  readonly traffic: Traffic
}

async function nothingIsLost(t: ExecutionContext, { door, simulator, traffic }: Ended) {
  t.true(traffic.accepted.length > 0)
  t.deepEqual(
    [...traffic.webhookStatuses].filter((status) => ![200, 503].includes(status)),
    [],
  )
  t.deepEqual(
    [...traffic.otherStatuses].filter((status) => ![200, 503].includes(status)),
    [],
  )
  const hints = await door.db.selectFrom('hint').select('eventId').execute()
  t.deepEqual(hints.map(({ eventId }) => eventId).toSorted(), traffic.accepted.toSorted())

  const entries = await door.db.selectFrom('outboxEntry').select('id').orderBy('sequence').execute()
  t.deepEqual(
    traffic.read.map((id) => id.replace(/^pub_/, '')),
    entries.map(({ id }) => id.replace(/^pub_/, '')),
  )
  t.deepEqual(await gapsIn(door.db), [])
  const feed = await wholeFeed(door.api)
  for (const subdomain of [SLOTTED, ...imported]) {
    const own = feed.filter(({ transcript }) => transcript.id.startsWith(`zendesk:${subdomain}:`))
    t.deepEqual(differencesFrom(simulator, subdomain, lastWord(own)), [], subdomain)
  }
}
