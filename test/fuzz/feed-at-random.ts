import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type Feed, publishIn } from '../support/outbox-rows.ts'
import { randomFrom } from '../support/random.ts'
import { type Reader, followFeed } from './feed-reader.ts'

export const WRITERS = 8

/** A feed that is written and read at the same time. */
export interface Scene {
  readonly db: Kysely<Database>
  readonly feed: Feed
  readonly url: string
  /** Publications to write, committed or not. */
  readonly steps: number
  /** 1 for each ticket whose publication was committed. */
  readonly committed: Uint8Array
}

/** What a reader made of the publications that were committed. */
export interface Seen {
  readonly once: number
  readonly doubled: number
  readonly missing: number
  readonly invented: number
  readonly disorder: readonly string[]
  /** The number that it has come to. */
  readonly position: number
}

export interface Outcome {
  readonly committed: number
  readonly requests: number
  readonly readers: readonly Seen[]
  readonly seconds: number
}

/** Eight writers at random speeds with random rollbacks, and three readers beside them. */
export async function feedAtRandom(scene: Scene): Promise<Outcome> {
  const startedAt = performance.now()
  const writing = new AbortController()
  const reading = [1, 2, 3].map((seed) =>
    followFeed(scene.url, { seed, tickets: scene.steps, signal: writing.signal }),
  )
  // Together, so that none of them is left alone with its failure.
  const [, ...readers] = await Promise.all([
    writeAll(scene).finally(() => writing.abort()),
    ...reading,
  ])
  return {
    committed: scene.committed.reduce((sum, it) => sum + it, 0),
    requests: readers.reduce((sum, reader) => sum + reader.requests, 0),
    readers: readers.map((reader) => heldAgainst(scene, reader)),
    seconds: (performance.now() - startedAt) / 1_000,
  }
}

export function heldAgainst({ committed }: Scene, { seen, disorder, position }: Reader): Seen {
  const counts = { once: 0, doubled: 0, missing: 0, invented: 0 }
  for (const [ticketId, times] of seen.entries()) {
    const isCommitted = committed[ticketId] === 1
    if (isCommitted && times === 1) counts.once += 1
    if (isCommitted && times === 0) counts.missing += 1
    if (!isCommitted && times > 0) counts.invented += 1
    if (times > 1) counts.doubled += 1
  }
  return { ...counts, disorder, position }
}

export async function writeAll(scene: Scene): Promise<void> {
  const steps = { next: 1 }
  const writers = Array.from({ length: WRITERS }, (_, writer) =>
    writeAtRandom(scene, writer, steps),
  )
  await Promise.all(writers)
}

/** Numbers its tickets by what is left to write; of each transaction all or nothing is committed. */
async function writeAtRandom(
  { db, feed, committed, steps }: Scene,
  writer: number,
  left: { next: number },
): Promise<void> {
  const random = randomFrom(writer + 1)
  // The transactions of a long run are larger.
  const scale = Math.max(1, Math.min(100, steps / 10_000))
  while (left.next <= steps) {
    const count = Math.min(1 + Math.floor(random() * 8 * scale), steps + 1 - left.next)
    const first = left.next
    left.next += count
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
