import test, { type ExecutionContext } from 'ava'
import { type Aim, RunPlan } from '../../src/run/plan.ts'
import type { Mutation } from '../../src/simulator/mutation/mutation.ts'
import type { AccountOptions } from '../../src/simulator/options.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { randomFrom } from '../support/random.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import {
  differencesFrom,
  hurry,
  lastWord,
  leaksIn,
  unaccounted,
  untilRunsEnd,
} from '../support/truth.ts'

// These tests each run a whole service; one after the other they fit on two cores.

/** Limits under which the comments endpoint is as quick as the event stream. */
const bothPay = { rates: { account: 20_000, incremental: 180 } }
const unlimited = { rates: { account: null, incremental: null } }

test.serial('a frugal import reads what it can from the event stream', async (t) => {
  await using it = await connected(t, 'frugal', { tickets: 3_000 })
  await it.simulator.clearRequests()
  startWorker(t, it.config)

  const [run] = await untilRunsEnd(it.db)

  const { tickets, pages } = planOf(run)
  t.is(run?.state, 'done')
  t.deepEqual(pages, { events: 3, comments: 0 })
  t.true(tickets.events > 10 * tickets.comments, JSON.stringify(tickets))
  const { total } = await it.simulator.counters('acme')
  t.true(total <= 330, `${total} requests for 3,000 tickets`)
  await isExact(t, it)
})

test.serial('a fast import reads from both ends, by both channels', async (t) => {
  await using it = await connected(t, 'fast', { tickets: 3_000, settings: bothPay })
  startWorker(t, it.config)

  const [run] = await untilRunsEnd(it.db)

  const { tickets } = planOf(run)
  t.is(run?.state, 'done')
  t.is(unaccounted(run!), 0)
  t.true(tickets.events > 1_000, JSON.stringify(tickets))
  t.true(tickets.comments > 100, JSON.stringify(tickets))
  t.is((await it.db.selectFrom('backLane').selectAll().execute()).length, 0)
  await isExact(t, it)
})

test.serial(
  'the event stream and the comments endpoint lead to the same transcripts',
  async (t) => {
    await using it = await connected(t, 'frugal', { tickets: 1_500, shape: { hugeTickets: 1 } })
    const other = await it.connect('acme', 'w2')
    const carefulUntil = new Date(Date.now() + 86_400_000)
    await it.db.updateTable('integration').set({ carefulUntil }).where('id', '=', other).execute()
    startWorker(t, it.config)

    await untilRunsEnd(it.db)

    const hashesOf = async (workspaceId: string) =>
      it.db
        .selectFrom('transcript')
        .select(['ticketId', 'contentHash'])
        .where('workspaceId', '=', workspaceId)
        .orderBy('ticketId')
        .execute()
    t.deepEqual(await hashesOf('w1'), await hashesOf('w2'))
    const runs = await it.db.selectFrom('run').selectAll().execute()
    const plans = new Map(runs.map((run) => [run.integrationId, planOf(run)]))
    t.true((plans.get(it.id)?.tickets.events ?? 0) > 1_000)
    t.is(plans.get(other)?.tickets.events, 0)
  },
)

for (const aim of ['frugal', 'fast'] as const) {
  test.serial(
    `after a ${aim} import a sync reads three hundred changes in few requests`,
    async (t) => {
      await using it = await connected(t, aim, { tickets: 2_000 })
      startWorker(t, it.config)
      await untilRunsEnd(it.db)
      const live = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })]
      const mutate = (mutation: Mutation) => it.simulator.mutate('acme', mutation)
      for (const [index, { ticketId }] of live.slice(0, 300).entries()) {
        if (index % 60 === 0) await mutate({ kind: 'make_private', ticketId, index: 0 })
        else if (index % 60 === 1) await mutate({ kind: 'redact', ticketId, index: 0 })
        else if (index % 3 === 0) await mutate({ kind: 'set_status', ticketId, status: 'open' })
        else await mutate({ kind: 'add_comment', ticketId, isPublic: index % 3 === 1, by: 'agent' })
      }
      for (let made = 0; made < 20; made++) await mutate({ kind: 'create' })
      await it.simulator.advanceClock(5_000)
      await it.simulator.clearRequests()
      await it.db
        .insertInto('run')
        .values({ integrationId: it.id, kind: 'sync', windowFrom: new Date() })
        .execute()

      const run = (await untilRunsEnd(it.db)).find(({ kind }) => kind === 'sync')

      const { tickets } = planOf(run)
      const { total, byFamilyAndStatus } = await it.simulator.counters('acme')
      t.is(run?.state, 'done')
      t.true(tickets.events > 280, JSON.stringify(tickets))
      t.true(total < 60, JSON.stringify(byFamilyAndStatus))
      await isExact(t, it)
    },
  )
}

test.serial(
  'an import from the event stream survives a worker that dies again and again',
  async (t) => {
    await using it = await connected(t, 'fast', { tickets: 3_000 })
    const random = randomFrom(7)
    hurry(t, it.db)
    let output = ''
    let isOver = false
    const ended = untilRunsEnd(it.db).finally(() => (isOver = true))
    for (let kills = 0; !isOver; kills++) {
      const environment = { ...it.environment, LOG_LEVEL: 'trace' }
      const worker = spawnEntry(t, 'src/worker.ts', environment)
      const patience = new Promise((resolve) => setTimeout(resolve, 1_500 + random() * 2_500))
      await Promise.race(kills < 6 ? [patience, ended, worker.exited] : [ended, worker.exited])
      worker.child.kill('SIGKILL')
      await worker.exited
      output += worker.output()
    }

    const [run] = await ended

    t.is(run?.state, 'done')
    t.is(unaccounted(run!), 0)
    await isExact(t, it)
    t.deepEqual(leaksIn(output), [])
  },
)

test.serial(
  'what the event stream tells wrongly is found, and the account read ticket by ticket from then on',
  async (t) => {
    await using it = await connected(t, 'frugal', { tickets: 400 }, { DRIFT_SAMPLE_SHARE: '0.2' })
    await it.simulator.setFault({
      kind: 'set_field',
      field: 'plain_body',
      value: 'something else',
      inside: 'ticket_events',
      path: 'ticket_events',
      times: null,
    })
    startWorker(t, it.config)

    const [run] = await untilRunsEnd(it.db)

    t.true((run?.driftFound ?? 0) > 20)
    t.true((run?.driftSampled ?? 0) >= (run?.driftFound ?? 0))
    const { carefulUntil } = await it.db
      .selectFrom('integration')
      .select('carefulUntil')
      .executeTakeFirstOrThrow()
    t.true((carefulUntil?.toMillis() ?? 0) > Date.now())
    const { ticketId } = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })][0]!
    await it.simulator.mutate('acme', { kind: 'system_update', ticketId })
    await it.simulator.advanceClock(5_000)
    await it.simulator.clearRequests()
    await it.db
      .insertInto('run')
      .values({ integrationId: it.id, kind: 'sync', windowFrom: new Date() })
      .execute()
    await untilRunsEnd(it.db)
    t.is((await it.simulator.counters('acme')).byFamilyAndStatus['comments 200'], 1)
  },
)

test.serial('an event stream of unknown form is done without', async (t) => {
  await using it = await connected(t, 'fast', { tickets: 300 })
  await it.simulator.setFault({
    kind: 'missing_field',
    field: 'ticket_id',
    path: 'ticket_events',
    times: null,
  })
  startWorker(t, it.config)

  const [run] = await untilRunsEnd(it.db)

  t.is(run?.state, 'done')
  t.is(planOf(run).tickets.events, 0)
  await isExact(t, it)
})

function planOf(run: { readonly plan: unknown } | undefined): RunPlan {
  if (run === undefined) throw new Error('there is no run')
  return RunPlan.parse(run.plan)
}

/** An account whose import waits for a worker. */
async function connected(
  t: ExecutionContext,
  aim: Aim,
  account: Partial<AccountOptions>,
  environment: Record<string, string> = {},
) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', days: 80, settings: unlimited, ...account }],
  })
  const door = await startFrontDoor(t, simulator, environment)
  const id = await door.connect('acme')
  await door.db
    .updateTable('run')
    .set({ plan: JSON.stringify({ aim }) })
    .execute()
  const dispose = () => simulator[Symbol.asyncDispose]()
  return { ...door, id, simulator, [Symbol.asyncDispose]: dispose }
}

/** What is published is the truth, nothing private stands anywhere, and nothing waits any more. */
async function isExact(t: ExecutionContext, it: Awaited<ReturnType<typeof connected>>) {
  t.deepEqual(differencesFrom(it.simulator, 'acme', lastWord(await wholeFeed(it.api))), [])
  t.deepEqual(leaksIn(await dumpRows(it.url)), [])
  t.is((await it.db.selectFrom('stagedEvent').selectAll().execute()).length, 0)
}
