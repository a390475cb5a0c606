import type { ServerResponse } from 'node:http'
import test from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { activateSinks } from '../../../src/outbox/sink/store.ts'
import { endOnce } from '../../../src/publish/push/end-once.ts'
import { HttpSink } from '../../../src/publish/push/http-sink.ts'
import { testDatabase } from '../../support/database.ts'
import { aFeed, publish } from '../../support/outbox-rows.ts'
import { randomFrom } from '../../support/random.ts'
import { aReceiver } from '../../support/receiver.ts'
import { aSink, passOver, readSink } from '../../support/sinks.ts'

/** `PUBLICATIONS=20000` for the full size. */
const PUBLICATIONS = Number(process.env['PUBLICATIONS'] ?? 240)
const REVISIONS = 4
const TICKETS = PUBLICATIONS / REVISIONS

/** So few waits, and so short ones, that some are given up within the test. */
const delaysMs = [1, 1, 2, 2]
/** Long enough for an answer on a busy machine: one that takes longer is only another failed attempt. */
const timeoutMs = 2_000

/** About three times: each stops the sink, ends what waits, and a person starts it again. */
const GONE = 1.2 / PUBLICATIONS
const HANGS = 0.01

function misbehave(dice: number, response: ServerResponse): void {
  if (dice < GONE) response.writeHead(410).end()
  else if (dice < GONE + HANGS) return
  else if (dice < 0.15) response.writeHead(500).end()
  else if (dice < 0.18) response.writeHead(429, { 'retry-after': '0' }).end()
  else if (dice < 0.21) response.writeHead(503, { 'retry-after': 'soon' }).end()
  else if (dice < 0.26) response.socket?.resetAndDestroy()
  else if (dice < 0.3) response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()
  else if (dice < 0.33) response.socket?.end('HTTP/1.1 2xx what\r\n\r\n')
  else if (dice < 0.4) {
    response.writeHead(200, { 'content-length': '1000' }).write('short')
    setImmediate(() => response.destroy())
  } else response.writeHead(200).end('ok')
}

for (const allRevisions of [false, true]) {
  test(`whatever a receiver does, all is delivered or dead with its reason, in order${allRevisions ? ', every revision' : ''}`, async (t) => {
    t.timeout(15 * 60_000)
    const random = randomFrom(allRevisions ? 5 : 7)
    const underWay = new Set<string>()
    const overlaps: string[] = []
    const reached = new Map<string, number>()
    const disorder: string[] = []
    const { url, received } = await aReceiver(t, ({ transcriptId, revision }, response) => {
      if (underWay.has(transcriptId)) overlaps.push(transcriptId)
      underWay.add(transcriptId)
      response.once('close', () => underWay.delete(transcriptId))
      if (revision < (reached.get(transcriptId) ?? 0)) disorder.push(`${transcriptId}/${revision}`)
      reached.set(transcriptId, revision)
      // Ended at once or a little later: a sender that does not wait is seen here.
      const dice = random()
      if (dice > 0.8) setImmediate(() => misbehave(random(), response))
      else misbehave(random(), response)
    })
    const { db } = await testDatabase(t)
    const feed = await aFeed(db)
    const name = await aSink(db, feed.workspaceId, { url, allRevisions })
    const http = new HttpSink({ allowPrivateAddresses: true, timeoutMs })
    t.teardown(() => http[Symbol.asyncDispose]())
    const pass = () => passOver(db, { name, url, http, delaysMs })
    const startedAt = performance.now()

    let stops = 0
    const relay = async (): Promise<void> => {
      await Promise.all([pass(), pass()])
      if ((await readSink(db, name)).state !== 'stopped') return
      stops += 1
      await endOnce(db, name, new AbortController().signal)
      await db.transaction().execute((trx) => activateSinks(trx, [name]))
    }
    for (let revision = 1; revision <= REVISIONS; revision++) {
      for (let first = 1; first <= TICKETS; first += 500) {
        const count = Math.min(500, TICKETS - first + 1)
        const revisions = Array.from({ length: count }, (_, index) => ({
          ticketId: first + index,
          revision,
        }))
        await publish(db, feed, ...revisions)
      }
      await relay()
    }
    while (await isPending(db)) await relay()

    const states = await countStates(db)
    const seconds = (performance.now() - startedAt) / 1000
    t.log(
      `${PUBLICATIONS} publications, ${received.length} requests, ${stops} stops, ${seconds.toFixed(0)} s`,
      JSON.stringify(states),
    )
    t.deepEqual(overlaps, [])
    t.deepEqual(disorder, [])
    t.is(
      Object.values(states).reduce((sum, count) => sum + count, 0),
      TICKETS * REVISIONS,
    )
    t.true((states['delivered'] ?? 0) > 0)
    t.is(await countWithoutReason(db), 0)
    if (allRevisions) t.is(states['superseded'], undefined)
  })
}

async function isPending(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`
    select from delivery where state = 'pending'
    union all
    select from feed join sink_position as position using (workspace_id)
    where last_sequence > sequence limit 1`.execute(db)
  return rows.length > 0
}

async function countStates(db: Kysely<Database>): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('delivery')
    .select(['state', sql<number>`count(*)`.as('count')])
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

async function countWithoutReason(db: Kysely<Database>): Promise<number> {
  const rows = await db
    .selectFrom('delivery')
    .select('sequence')
    .where('state', '=', 'dead')
    .where(
      sql<boolean>`outcome !~ '^(gone|the sink is stopped: gone|.*, attempt 5$)' or outcome is null`,
    )
    .execute()
  return rows.length
}
