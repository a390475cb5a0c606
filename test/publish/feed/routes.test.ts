import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import type { Kysely } from 'kysely'
import { request } from 'undici'
import type { Database } from '../../../db/schema.ts'
import { aFeedApi, get, sequencesOf, serveFeed, tickets } from '../../support/feed-api.ts'
import { aFeed, aTranscript, aTurn, publish, retract } from '../../support/outbox-rows.ts'
import { randomText } from '../../support/random.ts'

test('a reader that follows next sees each publication once and in order', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 5))

  const first = await get(`${url}/w1/transcripts?limit=3`)
  const second = await get(`${url}/w1/transcripts?limit=3&after=${first.body.next}`)
  const end = await get(`${url}/w1/transcripts?after=${second.body.next}`)
  await retract(db, feed, { ticketId: 2, revision: 2, reason: 'filtered' })
  const later = await get(`${url}/w1/transcripts?after=${end.body.next}`)

  t.is(first.status, 200)
  t.deepEqual(sequencesOf(first.body), [1, 2, 3])
  t.true(first.body.has_more)
  t.deepEqual(sequencesOf(second.body), [4, 5])
  t.false(second.body.has_more)
  t.deepEqual(end.body, { data: [], next: second.body.next, has_more: false })
  t.like(later.body.data, [
    {
      type: 'transcript.retracted',
      reason: 'filtered',
      sequence: '6',
      transcript: { id: 'zendesk:acme:2', revision: 2, ticket: { id: 2 } },
    },
  ])
})

test('a publication shows the stored transcript, but neither its mark nor who wrote it', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, { ticketId: 42 })

  const { body } = await get(`${url}/w1/transcripts`)

  const { public: _, author_id: __, ...turn } = aTurn()
  t.like(body.data[0], {
    type: 'transcript.published',
    sequence: '1',
    workspace_id: 'w1',
    integration_id: feed.integrationId,
    transcript: { id: 'zendesk:acme:42', revision: 1, text: 'Customer: It does not start.' },
  })
  t.deepEqual(body.data[0].transcript.turns, [turn])
})

test('the feed of a workspace without publications is empty and its next is good', async (t) => {
  const { url } = await aFeedApi(t)

  const first = await get(`${url}/w1/transcripts`)
  const second = await get(`${url}/w1/transcripts?after=${first.body.next}&limit=&wait=`)

  t.is(second.status, 200)
  t.deepEqual(second.body, { data: [], next: first.body.next, has_more: false })
})

test('an unknown and an impossible workspace are not found', async (t) => {
  const { url } = await aFeedApi(t)

  for (const id of ['w2', 'w1%00', '%E0%A4%A', '-']) {
    const { status, body } = await get(`${url}/${id}/transcripts`)
    t.is(status, 404, id)
    t.is(body.error.code, 'not_found', id)
  }
})

const refuses = test.macro<[string, number, RegExp]>({
  title: (_, query, status) => `transcripts${query} is refused with ${status}`,
  async exec(t, query, expected, detail) {
    const { url } = await aFeedApi(t)

    const { status, body } = await get(`${url}/w1/transcripts${query}`)

    t.is(status, expected)
    t.is(body.error.code, expected === 400 ? 'malformed' : 'invalid_input')
    t.regex(body.error.details.join(), detail)
  },
})
test(refuses, '?after=abc', 400, /after: expected the "next" of an earlier answer/)
test(refuses, '?after=-1', 400, /after: expected/)
test(refuses, '?after=1.5', 400, /after: expected/)
test(refuses, '?after=9007199254740993', 422, /after: expected/)
test(refuses, '?after=99999999999999999999', 400, /after: expected/)
test(refuses, '?after=1&after=2', 400, /after: expected the "next" of an earlier answer once/)
test(refuses, '?after=7', 422, /after: lies beyond the newest publication/)
test(refuses, '?limit=0', 422, /limit: expected a whole number from 1 to 1000/)
test(refuses, '?limit=1001', 422, /limit: expected/)
test(refuses, '?limit=ten', 400, /limit: expected/)
test(refuses, '?wait=31', 422, /wait: expected a whole number of seconds from 0 to 30/)
test(refuses, '?wait=-5', 400, /wait: expected/)
test(refuses, '?limit=x&wait=31', 400, /limit: expected .*,wait: expected/)
test(refuses, '/current?limit=201', 422, /limit: expected a whole number from 1 to 200/)
test(refuses, '/current?cursor=abc', 400, /cursor: expected the "next_cursor" of an earlier answer/)
test(refuses, '/current?cursor=a&cursor=b', 400, /cursor: expected/)

async function getLines(url: string, query: string): Promise<{ type: unknown; lines: string[] }> {
  const { headers, body } = await request(`${url}/w1/transcripts${query}`, {
    headers: { accept: 'application/x-ndjson' },
  })
  const lines = (await text(body)).split('\n')
  return { type: headers['content-type'], lines }
}

test('NDJSON streams the whole history, one publication a line', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 450))
  const { body } = await get(`${url}/w1/transcripts?limit=1000`)

  const { type, lines } = await getLines(url, '')

  t.is(type, 'application/x-ndjson')
  t.is(lines.pop(), '')
  t.deepEqual(
    lines.map((line) => JSON.parse(line)),
    body.data,
  )
  t.is(lines.length, 450)
})

test('NDJSON keeps to the limit and goes on after the sequence of the last line', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 450))

  const first = await getLines(url, '?limit=300')
  const last = JSON.parse(first.lines.at(-2) ?? '')
  const second = await getLines(url, `?after=${last.sequence}`)

  t.is(first.lines.length - 1, 300)
  t.is(second.lines.length - 1, 150)
  t.like(JSON.parse(second.lines[0] ?? ''), { sequence: '301' })
})

test('NDJSON of nothing is empty', async (t) => {
  const { url } = await aFeedApi(t)

  const { lines } = await getLines(url, '')

  t.deepEqual(lines, [''])
})

test('a stream that breaks does not look complete', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 450))
  await db
    .updateTable('transcriptRevision')
    .set({ ticket: '{}' })
    .where('ticketId', '=', 440)
    .execute()

  const reading = getLines(url, '')

  await t.throwsAsync(reading, { message: /terminated|other side closed|aborted/ })
})

test('a stream is read no faster than its client takes it', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  const transcript = aTranscript([aTurn({ text: randomText(200_000) })])
  await publish(db, feed, ...tickets(1, 100).map((ticket) => ({ ...ticket, transcript })))
  const { body } = await request(`${url}/w1/transcripts`, {
    headers: { accept: 'application/x-ndjson' },
  })
  const chunks = body[Symbol.asyncIterator]()
  await chunks.next()
  // The client stands still. Only a stream that has not run ahead of it can bring what is new now.
  await publish(db, feed, { ticketId: 101 })

  let lastLine = ''
  for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next()) {
    const read = lastLine + String(chunk.value)
    lastLine = read.slice(read.lastIndexOf('\n', read.length - 2) + 1)
  }

  t.like(JSON.parse(lastLine), { sequence: '101' })
})

/**
 * What `answer` brings, or undefined if another reader, who asked before and waits for nothing for
 * 29 s, is answered sooner.
 */
async function withoutWaiting<T>(
  t: ExecutionContext,
  db: Kysely<Database>,
  answer: () => Promise<T>,
): Promise<T | undefined> {
  const [{ url }] = await Promise.all([serveFeed(t, db), aFeed(db, 'quiet')])
  const patient = get(`${url}/quiet/transcripts?wait=29`).then(
    () => undefined,
    () => undefined,
  )
  return await Promise.race([answer(), patient])
}

test('a waiting reader gets what is published while it waits', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, { ticketId: 1 })

  const answer = await withoutWaiting(t, db, async () => {
    const waiting = get(`${url}/w1/transcripts?after=1&wait=30`)
    await publish(db, feed, { ticketId: 2 })
    return await waiting
  })

  t.deepEqual(answer && sequencesOf(answer.body), [2])
  t.is(answer?.body.next, '2')
})

test('a reader that is behind does not wait', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, { ticketId: 1 })

  const answer = await withoutWaiting(t, db, () => get(`${url}/w1/transcripts?wait=30`))

  t.deepEqual(answer && sequencesOf(answer.body), [1])
})

test('a wait that brings nothing ends with an empty page', async (t) => {
  const { url } = await aFeedApi(t)

  const { status, body } = await get(`${url}/w1/transcripts?wait=1`)

  t.is(status, 200)
  t.deepEqual(body, { data: [], next: '0', has_more: false })
})

test('who waits is answered when the process stops', async (t) => {
  const { url, db, stop } = await aFeedApi(t)

  const answer = await withoutWaiting(t, db, async () => {
    const waiting = get(`${url}/w1/transcripts?wait=30`)
    stop.abort()
    return await waiting
  })

  t.is(answer?.status, 200)
  t.deepEqual(answer?.body.data, [])
})

test('nobody waits for a client that is gone', async (t) => {
  const { url, db, arrived, answered } = await aFeedApi(t)
  const client = new AbortController()

  const ended = await withoutWaiting(t, db, async () => {
    const waiting = request(`${url}/w1/transcripts?wait=30`, { signal: client.signal })
    await arrived
    client.abort()
    await t.throwsAsync(waiting)
    await answered
    return 'ended'
  })

  t.is(ended, 'ended')
})
