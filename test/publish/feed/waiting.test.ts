import { Readable } from 'node:stream'
import test from 'ava'
import { sql } from 'kysely'
import { request } from 'undici'
import { WorkspaceId } from '../../../src/ids.ts'
import { News } from '../../../src/publish/feed/news-store.ts'
import { testDatabase } from '../../support/database.ts'
import { recordingConnection } from '../../support/explain.ts'
import { aFeedApi, get, sequencesOf, tickets } from '../../support/feed-api.ts'
import { aFeed, aTranscript, aTurn, publish } from '../../support/outbox-rows.ts'
import { randomText } from '../../support/random.ts'

const never = new AbortController().signal

test('many readers who wait share what is asked of the database', async (t) => {
  const { db, url } = await testDatabase(t)
  const feeds = [await aFeed(db, 'w1'), await aFeed(db, 'w2')]
  const recording = recordingConnection(url, 1)
  t.teardown(() => recording.db.destroy())
  const news = new News(recording.db)

  const waiting = Array.from({ length: 500 }, (_, index) =>
    news.beyond(WorkspaceId.parse(`w${1 + (index % 2)}`), 0, never),
  )
  for (const feed of feeds) await publish(db, feed, { ticketId: 1 })
  await Promise.all(waiting)

  t.true(recording.sent.length < 50, String(recording.sent.length))
})

test('who waits is told when the database fails, and may wait again', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  const { workspaceId } = feed
  const news = new News(db)
  await publish(db, feed, { ticketId: 1 })

  await sql`alter table feed rename to away`.execute(db)
  await t.throwsAsync(news.beyond(workspaceId, 0, never), { message: /"feed" does not exist/ })
  await sql`alter table away rename to feed`.execute(db)
  await t.notThrowsAsync(news.beyond(workspaceId, 0, never))
})

test('a page is as full of erased publications as of others', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 700))
  await db
    .deleteFrom('transcriptRevision')
    .where((eb) => eb.between('ticketId', eb.val(2), eb.val(600)))
    .execute()

  const first = await get(`${url}/w1/transcripts?limit=3`)
  const second = await get(`${url}/w1/transcripts?limit=600&after=${first.body.next}`)

  t.deepEqual(sequencesOf(first.body), [1, 2, 3])
  t.deepEqual(
    sequencesOf(second.body),
    tickets(4, 603).map(({ ticketId }) => ticketId),
  )
})

for (const encoding of ['identity', 'gzip']) {
  test(`a client that goes away ends the reading (${encoding})`, async (t) => {
    const { url, db, feed, answered } = await aFeedApi(t)
    const transcript = aTranscript([aTurn({ text: randomText(200_000) })])
    await publish(db, feed, ...tickets(1, 100).map((ticket) => ({ ...ticket, transcript })))
    const client = new AbortController()
    const { body } = await request(`${url}/w1/transcripts`, {
      headers: { accept: 'application/x-ndjson', 'accept-encoding': encoding },
      signal: client.signal,
    })
    await body[Symbol.asyncIterator]().next()
    const answer = await answered
    if (!(answer instanceof Readable)) return t.fail('the answer is no stream')

    const closed = new Promise((resolve) => answer.once('close', resolve))
    body.once('error', () => {})
    client.abort()
    await closed

    t.true(answer.destroyed)
    t.false(answer.readableEnded)
  })
}
