import test from 'ava'
import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { sumTally } from '../../../src/admin/metrics/store.ts'
import { foldTally } from '../../../src/housekeeping/tally/store.ts'
import { claimDeliveries } from '../../../src/outbox/delivery/claim-store.ts'
import {
  insertDeliveries,
  supersedeDeliveries,
} from '../../../src/outbox/delivery/fan-out-store.ts'
import { endDeliveries, postponeDeliveries } from '../../../src/outbox/delivery/settle-store.ts'
import { buryDeliveries } from '../../../src/outbox/sink/health-store.ts'
import { endRuns, insertSync } from '../../../src/run/due/asked-store.ts'
import { failRun, finishRun, insertRun, listRuns, postponeRun } from '../../../src/run/store.ts'
import { testDatabase } from '../../support/database.ts'
import { type Feed, aFeed, publish } from '../../support/outbox-rows.ts'
import { pick, randomFrom } from '../../support/random.ts'
import { environmentSink } from '../../support/sinks.ts'

const STEPS = Number(process.env['TALLY_STEPS'] ?? 250)
const TICKETS = 12
const SINK = 'http'

type Random = () => number
type Step = (trx: Transaction<Database>, feed: Feed, random: Random) => Promise<unknown>

test('what is kept of ended runs and deliveries is what a count of each step finds', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  await environmentSink(db)
  await sql`update integration set status = 'active', zendesk_user_id = 1`.execute(db)
  for (let revision = 1; revision <= 3; revision++) {
    const all = Array.from({ length: TICKETS }, (_, index) => ({ ticketId: index + 1, revision }))
    await publish(db, feed, ...all)
  }
  const random = randomFrom(7)
  const counted = new Map<string, number>()

  for (let number = 0; number < STEPS; number++) {
    const before = await statesOf(db)
    await live(db, feed, random)
    for (const what of changesBetween(before, await statesOf(db))) {
      counted.set(what, (counted.get(what) ?? 0) + 1)
    }
    if (random() < 0.1) await Promise.all([foldTally(db, 5), foldTally(db, 5)])
  }

  const kept = (await sumTally(db)).map((row) => [`${row.what} ${row.outcome}`, row.counted])
  t.deepEqual(Object.fromEntries(kept), Object.fromEntries(counted))
  t.deepEqual([...counted.keys()].toSorted(), [
    'backfill done',
    'backfill failed',
    'delivery dead',
    'delivery delivered',
    'delivery postponed',
    'delivery superseded',
    'hints done',
    'hints failed',
    'sync done',
    'sync failed',
  ])
})

test('many rows of the tally become few, and those that are few stay', async (t) => {
  const { db } = await testDatabase(t)
  await sql`
    insert into tally (what, outcome, counted)
    select 'sync', (array['done', 'failed'])[1 + n % 2], n from generate_series(1, 100) n`.execute(
    db,
  )

  t.deepEqual(await foldTally(db, 100), { folded: 0 })
  t.deepEqual(await foldTally(db, 99), { folded: 100 })

  const rows = await db
    .selectFrom('tally')
    .select(['outcome', 'counted'])
    .orderBy('outcome')
    .execute()
  t.deepEqual(rows, [
    { outcome: 'done', counted: 2_550 },
    { outcome: 'failed', counted: 2_500 },
  ])
})

/** One step of a life; one in five is undone by a crash before its commit. */
async function live(db: Kysely<Database>, feed: Feed, random: Random): Promise<void> {
  const step = pick(random, STEPS_OF_A_LIFE)
  const isCrash = random() < 0.2
  await db
    .transaction()
    .execute(async (trx) => {
      await step(trx, feed, random)
      if (isCrash) throw new Crash()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
}

class Crash extends Error {}

const STEPS_OF_A_LIFE: readonly Step[] = [
  (trx, { integrationId }) => insertSync(trx, integrationId),
  (trx, { integrationId }) =>
    insertRun(trx, { integrationId, kind: 'backfill', windowFrom: new Date() }),
  async (trx, { integrationId }) => {
    const runs = await listRuns(trx, integrationId, { limit: 1_000 })
    if (runs.some(({ kind, finishedAt }) => kind === 'hints' && finishedAt === null)) return
    await insertRun(trx, { integrationId, kind: 'hints', windowFrom: new Date() })
  },
  ...repeated(
    2,
    ofSomeRun((trx, id) => finishRun(trx, id)),
  ),
  ofSomeRun((trx, id) => failRun(trx, id, { code: 'x', message: 'x' })),
  ofSomeRun((trx, id) => postponeRun(trx, id, { resumeAt: new Date(), reason: 'x', failed: true })),
  async (trx, { integrationId }, random) => {
    if (random() < 0.3) await endRuns(trx, integrationId, { code: 'x', message: 'x' })
  },
  async (trx, { workspaceId }, random) => {
    const sequence = Math.floor(random() * 3 * TICKETS)
    const range = await insertDeliveries(trx, terms, { workspaceId, sequence }, 6)
    if (random() < 0.3) await supersedeDeliveries(trx, terms, range)
  },
  ...repeated(3, async (trx: Transaction<Database>, _feed: Feed, random: Random) => {
    const [claim] = await claimDeliveries(trx, SINK, { limit: 1, leaseSeconds: 0 })
    if (claim === undefined) return
    const attempt = { attempt: 1, at: '2026-01-01T00:00:00Z', ms: 1, outcome: 'x' }
    const state = pick(random, ['delivered', 'dead', 'superseded', 'postponed'] as const)
    const settled = { claim, outcome: 'x', attempt }
    if (state === 'postponed') await postponeDeliveries(trx, terms, [{ ...settled, delayMs: 0 }])
    else await endDeliveries(trx, SINK, [{ ...settled, state }])
  }),
  async (trx, _feed, random) => {
    if (random() < 0.2) await buryDeliveries(trx, SINK, 2)
  },
  (trx) =>
    trx
      .updateTable('delivery')
      .set({ state: 'pending', settledAt: null })
      .where('state', '=', 'dead')
      .execute(),
]

const terms = { name: SINK, types: ['transcript.published'], allRevisions: true } as const

function repeated(times: number, step: Step): Step[] {
  return Array.from({ length: times }, () => step)
}

function ofSomeRun(
  end: (trx: Transaction<Database>, id: Parameters<typeof finishRun>[1]) => Promise<unknown>,
): Step {
  return async (trx, { integrationId }, random) => {
    const runs = await listRuns(trx, integrationId, { limit: 1_000 })
    // Now and then one that has ended: to end it once more is nothing.
    if (runs.length > 0) await end(trx, pick(random, runs).id)
  }
}

interface State {
  readonly key: string
  readonly what: string
  readonly state: string
  readonly attempts: number
}

async function statesOf(db: Kysely<Database>): Promise<ReadonlyMap<string, State>> {
  const { rows } = await sql<State>`
    select id::text as key, kind as what, state, 0 as attempts from run
    union all
    select sequence::text, 'delivery', state, jsonb_array_length(history) from delivery`.execute(db)
  return new Map(rows.map((row) => [row.key, row]))
}

function changesBetween(
  before: ReadonlyMap<string, State>,
  after: ReadonlyMap<string, State>,
): string[] {
  return [...after.values()].flatMap(({ key, what, state, attempts }) => {
    const was = before.get(key)
    if (was === undefined) return []
    const isUnfinished = !['done', 'failed', 'delivered', 'superseded', 'dead'].includes(was.state)
    if (isUnfinished && state === 'pending' && attempts > was.attempts) return `${what} postponed`
    const hasEnded = ['done', 'failed', 'delivered', 'superseded', 'dead'].includes(state)
    return isUnfinished && hasEnded ? [`${what} ${state}`] : []
  })
}
