import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { connect } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'
import { prunePublicationsOnce } from '../../src/housekeeping/prune-publications-once.ts'
import { savePosition, lockPosition } from '../../src/outbox/position-store.ts'
import { testDatabase } from '../support/database.ts'
import { serveFeed } from '../support/feed-api.ts'
import { type Feed, aFeed, publishIn } from '../support/outbox-rows.ts'
import { randomFrom } from '../support/random.ts'
import { type Reader, followFeed } from './feed-reader.ts'

/** `FEED_STEPS=10000000` for the full size: publications written, committed or not. */
const STEPS = Number(process.env['FEED_STEPS'] ?? 2_000)
const WRITERS = 8

/** How much larger the transactions of a long run are. */
const SCALE = Math.max(1, Math.min(100, STEPS / 10_000))

interface Scene {
  readonly db: Kysely<Database>
  readonly feed: Feed
  readonly url: string
  /** 1 for each ticket whose publication was committed. */
  readonly committed: Uint8Array
}

async function setUp(t: ExecutionContext): Promise<Scene> {
  t.timeout(60 * 60_000)
  const { url } = await testDatabase(t)
  const db = connect(url, { maxConnections: WRITERS + 8 })
  t.teardown(() => db.destroy())
  const [api, feed] = await Promise.all([serveFeed(t, db), aFeed(db)])
  return { db, feed, url: `${api.url}/w1/transcripts`, committed: new Uint8Array(STEPS + 1) }
}

/** Numbers its tickets by what is left to write; of each transaction all or nothing is committed. */
async function writeAtRandom(
  { db, feed, committed }: Scene,
  writer: number,
  steps: { next: number },
): Promise<void> {
  const random = randomFrom(writer + 1)
  while (steps.next <= STEPS) {
    const count = Math.min(1 + Math.floor(random() * 8 * SCALE), STEPS + 1 - steps.next)
    const first = steps.next
    steps.next += count
    const tickets = Array.from({ length: count }, (_, index) => ({ ticketId: first + index }))
    const trx = await db.startTransaction().execute()
    if (random() < 0.3) await sleep(random() * 6)
    await publishIn(trx, feed, tickets)
    if (random() < 0.3) await sleep(random() * 6)
    if (random() < 0.25) {
      await trx.rollback().execute()
    } else {
      await trx.commit().execute()
      committed.fill(1, first, first + count)
    }
  }
}

async function writeAll(scene: Scene): Promise<void> {
  const steps = { next: 1 }
  const writers = Array.from({ length: WRITERS }, (_, writer) =>
    writeAtRandom(scene, writer, steps),
  )
  await Promise.all(writers)
}

function times(seen: Uint8Array, count: (it: number) => boolean): number {
  return seen.reduce((sum, it) => sum + (count(it) ? 1 : 0), 0)
}

test('eight writers at random, three readers: each publication once, in order, none skipped', async (t) => {
  const scene = await setUp(t)
  const startedAt = performance.now()
  const writing = new AbortController()
  const readers = [1, 2, 3].map((seed) =>
    followFeed(scene.url, { seed, tickets: STEPS, signal: writing.signal }),
  )

  await writeAll(scene)
  writing.abort()
  const seen = await Promise.all(readers)

  const seconds = (performance.now() - startedAt) / 1_000
  const committed = times(scene.committed, (it) => it === 1)
  const requests = seen.reduce((sum, reader) => sum + reader.requests, 0)
  t.log(`${STEPS} written, ${committed} committed, ${requests} requests, ${seconds.toFixed(0)} s`)
  t.true(committed > STEPS / 2 && committed < STEPS)
  for (const reader of seen) assertSawAll(t, scene, reader, committed)
})

function assertSawAll(
  t: ExecutionContext,
  { committed }: Scene,
  reader: Reader,
  count: number,
): void {
  t.is(reader.position, count)
  t.deepEqual(reader.disorder, [])
  t.is(
    times(reader.seen, (it) => it > 1),
    0,
    'nothing is seen twice',
  )
  t.true(Buffer.from(reader.seen).equals(committed), 'nothing is skipped or invented')
}

test('the same while the feed is pruned: who is far behind is told, and finds the rest', async (t) => {
  const scene = await setUp(t)
  const { db, feed } = scene
  const writing = new AbortController()
  const { signal } = writing
  // Two are known to the pruner like a sink, and never come too late. The third one comes late.
  const sinks = ['first', 'second']
  const registered = sinks.map((sink, index) =>
    followFeed(scene.url, {
      seed: index + 1,
      tickets: STEPS,
      signal,
      reached: (sequence) =>
        db.transaction().execute(async (trx) => {
          await lockPosition(trx, sink, feed.workspaceId)
          await savePosition(trx, sink, { workspaceId: feed.workspaceId, sequence })
        }),
    }),
  )
  const pruning = pruneAtRandom(scene, { sinks, signal })
  const late = pruning.begun.then(() =>
    followFeed(scene.url, { seed: 3, tickets: STEPS, signal, longestPauseMs: 40 }),
  )

  await Promise.all([writeAll(scene), pruning.begun])
  writing.abort()
  const seen = await Promise.all(registered)
  const latecomer = await late
  const pruned = await pruning.entries

  const committed = times(scene.committed, (it) => it === 1)
  t.log(`${committed} committed, ${pruned} pruned, told ${latecomer.tooLate} times`)
  for (const reader of seen) {
    t.is(reader.tooLate, 0)
    assertSawAll(t, scene, reader, committed)
  }
  t.true(latecomer.tooLate > 0)
  t.deepEqual(latecomer.disorder, [])
  t.true(Buffer.from(latecomer.seen.map((it) => Math.min(it, 1))).equals(scene.committed))
})

function pruneAtRandom(
  { db }: Scene,
  { sinks, signal }: { sinks: readonly string[]; signal: AbortSignal },
): { begun: Promise<void>; entries: Promise<number> } {
  const begun = Promise.withResolvers<void>()
  const random = randomFrom(99)
  const prune = async (): Promise<number> => {
    let entries = 0
    while (!signal.aborted) {
      const counts = await prunePublicationsOnce({ db, sinks, keepDays: 0 }, signal)
      entries += counts.entries
      if (entries > 0) begun.resolve()
      await sleep(random() * 30)
    }
    return entries
  }
  return { begun: begun.promise, entries: prune() }
}
