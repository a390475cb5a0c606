import { pipeline } from 'node:stream'
import { json } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import test from 'ava'
import { request } from 'undici'
import { aFeedApi, get, tickets } from '../../support/feed-api.ts'
import { aTranscript, aTurn, publish } from '../../support/outbox-rows.ts'
import { randomText } from '../../support/random.ts'

const NDJSON = 'application/x-ndjson'

async function ask(url: string, headers: Record<string, string>) {
  const { headers: answered, body } = await request(url, { headers })
  const isGzip = answered['content-encoding'] === 'gzip'
  return {
    isGzip,
    headers: answered,
    body: isGzip ? pipeline(body, createGunzip(), () => {}) : body,
  }
}

for (const [acceptEncoding, expected] of [
  ['gzip', true],
  ['gzip, deflate, br', true],
  ['*', true],
  ['identity', false],
  ['br', false],
  ['gzip;q=0', false],
  ['', false],
] as const) {
  test(`who accepts "${acceptEncoding}" gets ${expected ? '' : 'no '}gzip, and the same page`, async (t) => {
    const { url, db, feed } = await aFeedApi(t)
    await publish(db, feed, ...tickets(1, 20))
    const plain = await get(`${url}/w1/transcripts`)

    const page = await ask(`${url}/w1/transcripts`, { 'accept-encoding': acceptEncoding })
    const live = await ask(`${url}/w1/transcripts/current`, { 'accept-encoding': acceptEncoding })

    t.deepEqual([page.isGzip, live.isGzip], [expected, expected])
    t.is(page.headers['content-type'], 'application/json; charset=utf-8')
    t.regex(String(page.headers['vary']), /accept-encoding/i)
    t.deepEqual(await json(page.body), plain.body)
    t.like(await json(live.body), { next_cursor: null, feed_cursor: '20' })
  })
}

test('a small answer is sent as it is', async (t) => {
  const { url } = await aFeedApi(t)

  const { isGzip, body } = await ask(`${url}/w1/transcripts`, { 'accept-encoding': 'gzip' })

  t.false(isGzip)
  t.deepEqual(await json(body), { data: [], next: '0', has_more: false })
})

test('lines of a compressed stream arrive before the stream ends', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  const transcript = aTranscript([aTurn({ text: randomText(200_000) })])
  await publish(db, feed, ...tickets(1, 100).map((ticket) => ({ ...ticket, transcript })))

  const { isGzip, headers, body } = await ask(`${url}/w1/transcripts`, {
    accept: NDJSON,
    'accept-encoding': 'gzip',
  })
  t.true(isGzip)
  t.is(headers['content-type'], NDJSON)
  const chunks = body.setEncoding('utf8')[Symbol.asyncIterator]()
  let read = ''
  while (!read.includes('\n')) read += (await chunks.next()).value
  // The stream stands still, for nobody takes it. What comes now can only stand at its end.
  await publish(db, feed, { ticketId: 101 })
  for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next()) {
    read += chunk.value
  }

  const sequences = read
    .trimEnd()
    .split('\n')
    .map((line) => Number(JSON.parse(line).sequence))
  t.deepEqual(
    sequences,
    Array.from({ length: 101 }, (_, index) => index + 1),
  )
})
