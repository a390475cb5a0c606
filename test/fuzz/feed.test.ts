import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { connect } from '../../db/connect.ts'
import { prunePublicationsOnce } from '../../src/housekeeping/prune-publications-once.ts'
import { savePosition, lockPosition } from '../../src/outbox/position-store.ts'
import { testDatabase } from '../support/database.ts'
import { serveFeed } from '../support/feed-api.ts'
import { aFeed } from '../support/outbox-rows.ts'
import { randomFrom } from '../support/random.ts'
import {
  type Scene,
  type Seen,
  WRITERS,
  feedAtRandom,
  heldAgainst,
  writeAll,
} from './feed-at-random.ts'
import { followFeed } from './feed-reader.ts'

/** `FEED_STEPS=10000000` for the full size: publications written, committed or not. */
const STEPS = Number(process.env['FEED_STEPS'] ?? 2_000)

async function setUp(t: ExecutionContext): Promise<Scene> {
  t.timeout(60 * 60_000)
  const { url } = await testDatabase(t)
  const db = connect(url, { maxConnections: WRITERS + 8 })
  t.teardown(() => db.destroy())
  const [api, feed] = await Promise.all([serveFeed(t, db), aFeed(db)])
  const committed = new Uint8Array(STEPS + 1)
  return { db, feed, url: `${api.url}/w1/transcripts`, steps: STEPS, committed }
}

test('eight writers at random, three readers: each publication once, in order, none skipped', async (t) => {
  const { committed, requests, readers, seconds } = await feedAtRandom(await setUp(t))

  t.log(`${STEPS} written, ${committed} committed, ${requests} requests, ${seconds.toFixed(0)} s`)
  t.true(committed > STEPS / 2 && committed < STEPS)
  for (const reader of readers) t.deepEqual(reader, sawAll(committed))
})

function sawAll(committed: number): Seen {
  const nothing = { doubled: 0, missing: 0, invented: 0, disorder: [] }
  return { ...nothing, once: committed, position: committed }
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

  const committed = scene.committed.reduce((sum, it) => sum + it, 0)
  t.log(`${committed} committed, ${pruned} pruned, told ${latecomer.tooLate} times`)
  for (const reader of seen) {
    t.is(reader.tooLate, 0)
    t.deepEqual(heldAgainst(scene, reader), sawAll(committed))
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
