import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { connect } from '../../../db/connect.ts'
import { migrateToLatest } from '../../../db/migrate.ts'
import type { Database } from '../../../db/schema.ts'
import { HttpSink } from '../../../src/publish/push/http-sink.ts'
import { queues } from '../../../src/queues.ts'
import { createDatabase } from '../../support/environment.ts'
import { type Feed, aFeed, aTranscript, aTurn, publish } from '../../support/outbox-rows.ts'
import { environmentSink, passOver } from '../../support/sinks.ts'

/** What a conversation of six turns says, in some two thousand characters. */
const said = aTranscript(
  Array.from({ length: 6 }, (_, index) =>
    aTurn({ comment_id: index, text: 'It does not start, whatever I try to do. '.repeat(8) }),
  ),
)

export interface Pushed {
  readonly what: string
  readonly publications: number
  readonly seconds: number
}

/** Brings publications to a receiver on this machine: many at once, and beside it one by one. */
export async function measurePush(server: string, publications: number): Promise<Pushed[]> {
  await using receiver = await startReceiver()
  const { url } = receiver
  const databaseUrl = await createDatabase(server, `push_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const db = connect(databaseUrl)
  await using _db = { [Symbol.asyncDispose]: () => db.destroy() }
  await using http = new HttpSink({ allowPrivateAddresses: true })
  const feed = await aFeed(db)
  await environmentSink(db)
  const push = async (what: string, first: number, count: number, lanes?: number) => {
    await fill(db, feed, first, count)
    const startedAt = performance.now()
    await passOver(db, { url, http, ...(lanes !== undefined && { lanes }) })
    const seconds = (performance.now() - startedAt) / 1000
    return { what, publications: await delivered(db, first), seconds }
  }
  // What is compiled and planned for the first time is not measured.
  await push('', 1, 500)
  return [
    await push('one by one', 1_000_000, Math.ceil(publications / 20), 1),
    await push('many at once', 2_000_000, publications),
  ]
}

async function fill(db: Kysely<Database>, feed: Feed, first: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const revisions = Array.from({ length: Math.min(500, count - done) }, (_, index) => ({
      ticketId: first + done + index,
      transcript: said,
    }))
    await publish(db, feed, ...revisions)
  }
  await sql`analyze`.execute(db)
}

async function delivered(db: Kysely<Database>, first: number): Promise<number> {
  const { count } = await db
    .selectFrom('delivery')
    .select(sql<number>`count(*)`.as('count'))
    .where('ticketId', '>=', first)
    .where('state', '=', 'delivered')
    .executeTakeFirstOrThrow()
  return count
}

/** Nothing in this process looks at it while time is taken: that would hold up what is measured. */
async function startReceiver() {
  const script = path.join(import.meta.dirname, 'receiver.ts')
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return {
    url: String(line).trim(),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
