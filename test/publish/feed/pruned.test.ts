import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { request } from 'undici'
import { prunePublicationsOnce } from '../../../src/housekeeping/prune-publications-once.ts'
import { aFeedApi, get, sequencesOf, tickets } from '../../support/feed-api.ts'
import { aTranscript, aTurn, publish, retract } from '../../support/outbox-rows.ts'

const never = new AbortController().signal

/** Ten tickets were published, the first six of them so long ago that they are pruned. */
async function setUp(t: ExecutionContext) {
  const api = await aFeedApi(t)
  await publish(api.db, api.feed, ...tickets(1, 10))
  await sql`
    update outbox_entry set published_at = now() - interval '91 days'
    where sequence <= 6`.execute(api.db)
  await prunePublicationsOnce({ db: api.db, sinks: [], keepDays: 90 }, never)
  return api
}

for (const query of ['', '?after=0', '?after=5', '?after=5&wait=30', '?after=5&limit=1']) {
  test(`transcripts${query} is gone where something unread was pruned`, async (t) => {
    const { url } = await setUp(t)

    const { status, body } = await get(`${url}/w1/transcripts${query}`)

    t.is(status, 410)
    t.is(body.error.code, 'cursor_pruned')
    t.regex(body.error.message, /up to 6 .*GET \/v1\/workspaces\/w1\/transcripts\/current/)
  })
}

test('a reader that has read all that was pruned goes on as if nothing had happened', async (t) => {
  const { url } = await setUp(t)

  const { status, body } = await get(`${url}/w1/transcripts?after=6`)

  t.is(status, 200)
  t.deepEqual(sequencesOf(body), [7, 8, 9, 10])
})

test('a stream that would begin with pruned entries is no stream', async (t) => {
  const { url } = await setUp(t)

  const { statusCode, body } = await request(`${url}/w1/transcripts?after=2`, {
    headers: { accept: 'application/x-ndjson' },
  })

  t.is(statusCode, 410)
  t.regex(await text(body), /cursor_pruned/)
})

test('a reader that is too far behind finds everything by the way that it is told', async (t) => {
  const { url, db, feed } = await setUp(t)
  await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })

  const current = await get(`${url}/w1/transcripts/current?limit=200`)
  await publish(db, feed, { ticketId: 2, revision: 2, transcript: aTranscript([aTurn()]) })
  const news = await get(`${url}/w1/transcripts?after=${current.body.feed_cursor}`)

  t.deepEqual(
    current.body.data.map(({ ticket }: { ticket: { id: number } }) => ticket.id),
    [2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  t.deepEqual(sequencesOf(news.body), [12])
})

test('entries that are pruned between two batches break the stream off', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  const transcript = aTranscript([aTurn({ text: 'x'.repeat(100_000) })])
  await publish(db, feed, ...tickets(1, 900).map((ticket) => ({ ...ticket, transcript })))
  const { body } = await request(`${url}/w1/transcripts`, {
    headers: { accept: 'application/x-ndjson' },
  })
  const chunks = body[Symbol.asyncIterator]()
  await chunks.next()

  await prunePublicationsOnce({ db, sinks: [], keepDays: 0 }, never)

  await t.throwsAsync(
    async () => {
      while (!(await chunks.next()).done);
    },
    { message: /terminated|other side closed|aborted/ },
  )
})
