import { randomBytes } from 'node:crypto'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import { queues } from '../../src/queues.ts'
import { type Outcome, WRITERS, feedAtRandom } from '../fuzz/feed-at-random.ts'
import { createDatabase } from '../support/environment.ts'
import { serveFeed } from '../support/feed-api.ts'
import { aFeed } from '../support/outbox-rows.ts'
import { say } from './table.ts'

/** The randomised test of the feed at any size: ten million steps take some twenty minutes. */
export async function measureReaders(server: string, steps: number): Promise<Outcome> {
  await using stack = new AsyncDisposableStack()
  const databaseUrl = await createDatabase(server, `readers_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const db = connect(databaseUrl, { maxConnections: WRITERS + 8 })
  stack.defer(() => db.destroy())
  const feed = await aFeed(db)
  const api = await serveFeed({ teardown: (end) => stack.defer(end) }, db)
  const committed = new Uint8Array(steps + 1)
  const progress = setInterval(() => say(`  ${committed.lastIndexOf(1)} of ${steps}`), 60_000)
  stack.defer(() => clearInterval(progress))
  // Awaited here, for the end of this function closes what it reads.
  return await feedAtRandom({ db, feed, url: `${api.url}/w1/transcripts`, steps, committed })
}
