import test from 'ava'
import { deskWith } from './support.ts'

const CURSOR = '/api/v2/incremental/tickets/cursor?start_time=0&per_page=1'
const EVENTS = '/api/v2/incremental/ticket_events?start_time=0&per_page=1'

/** Right after the start of a simulated minute, so that a test stays within it. */
const NOW = new Date('2026-06-01T00:00:00Z')

test('all incremental exports share ten requests a minute', async (t) => {
  const settings = { rates: { account: null, incremental: 10 } }
  const desk = await deskWith(t, { settings }, { now: NOW })
  const statuses: number[] = []
  for (let call = 0; call < 10; call++) {
    statuses.push((await desk.get(call % 2 === 0 ? CURSOR : EVENTS)).status)
  }
  const refused = await desk.get(CURSOR)
  const comments = await desk.get('/api/v2/tickets/1/comments')
  await desk.simulator.advanceClock(60_000)
  const later = await desk.get(CURSOR)

  t.deepEqual(new Set(statuses), new Set([200]))
  t.is(refused.status, 429)
  t.regex(refused.headers.get('retry-after') ?? '', /^\d+$/)
  t.deepEqual(refused.json, {
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed incremental export API requests per minute exceeded',
  })
  t.regex(
    refused.headers.get('zendesk-ratelimit-incremental-exports-cursor') ?? '',
    /^total=10; remaining=0;/,
  )
  t.is(comments.status, 200)
  t.is(later.status, 200)
})

test('the limit of the account stops all of the API, and a refusal costs nothing', async (t) => {
  const settings = { rates: { account: 3, incremental: null } }
  const desk = await deskWith(t, { settings }, { now: NOW })
  const statuses: number[] = []
  for (let call = 0; call < 5; call++) statuses.push((await desk.get('/api/v2/groups')).status)
  const refused = await desk.get('/api/v2/groups')
  await desk.simulator.advanceClock(60_000)

  t.deepEqual(statuses, [200, 200, 200, 429, 429])
  t.is(refused.headers.get('x-rate-limit-remaining'), '0')
  t.regex(String(refused.json['description']), /Number of allowed API requests per minute/)
  t.is((await desk.get('/api/v2/groups')).headers.get('x-rate-limit-remaining'), '2')
})

test('a shorter minute shortens the window and the hidden minute of the export', async (t) => {
  const settings = { rates: { account: 1, incremental: null } }
  const desk = await deskWith(t, { settings }, { now: NOW, minuteMs: 1000 })

  t.is((await desk.get('/api/v2/groups')).headers.get('ratelimit-reset'), '1')
  await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId: 1 })
  await desk.simulator.advanceClock(2000)
  const { json } = await desk.get('/api/v2/incremental/tickets/cursor?start_time=1780272000')
  t.is((json['tickets'] as unknown[]).length, 1)
})

test('what other clients spend is spent, evenly over the minute', async (t) => {
  const settings = { rates: { account: 60, incremental: null, others: 40 } }
  const desk = await deskWith(t, { settings }, { now: NOW })
  const remaining = async () =>
    Number((await desk.get('/api/v2/groups')).headers.get('x-rate-limit-remaining'))

  const first = await remaining()
  await desk.simulator.advanceClock(30_000)
  const second = await remaining()
  await desk.simulator.setAccount('acme', { rates: { others: 0 } })
  await desk.simulator.advanceClock(10_000)
  const third = await remaining()

  // The clock goes on between the requests, so that a slow machine sees some more spent.
  t.true(first <= 59 && first > 50, `${first}`)
  t.true(second <= first - 21 && second > 20, `${second}`)
  t.is(third, second - 1)
})

test('others can use up an account, and a new minute gives it back', async (t) => {
  const settings = { rates: { account: 60, incremental: null, others: 600 } }
  const desk = await deskWith(t, { settings }, { now: NOW })
  await desk.simulator.advanceClock(20_000)
  const refused = await desk.get('/api/v2/groups')
  await desk.simulator.setAccount('acme', { rates: { others: 0 } })
  await desk.simulator.advanceClock(40_000)

  t.is(refused.status, 429)
  t.is(refused.headers.get('x-rate-limit-remaining'), '0')
  t.is((await desk.get('/api/v2/groups')).headers.get('x-rate-limit-remaining'), '59')
})

test('an account may have a limit of its own for comments', async (t) => {
  const settings = { rates: { account: 700, incremental: null, comments: 1 } }
  const desk = await deskWith(t, { settings }, { now: NOW })
  const first = await desk.get('/api/v2/tickets/1/comments')
  const refused = await desk.get('/api/v2/tickets/2/comments')

  t.regex(first.headers.get('zendesk-ratelimit-ticket-comments') ?? '', /^total=1; remaining=0;/)
  t.is(refused.status, 429)
  t.regex(String(refused.json['description']), /allowed ticket comments API requests per minute/)
  t.is((await desk.get('/api/v2/groups')).status, 200)
})

test('the bin may be looked into ten times a minute', async (t) => {
  const desk = await deskWith(t, {}, { now: NOW })
  const statuses: number[] = []
  for (let call = 0; call < 11; call++) {
    statuses.push((await desk.get('/api/v2/deleted_tickets')).status)
  }

  t.deepEqual(statuses.slice(9), [200, 429])
})

test('the spelling of the headers can be that of another year, or missing', async (t) => {
  const desk = await deskWith(t)
  const headersWith = async (rateHeaders: 'current' | 'old' | 'none'): Promise<Headers> => {
    await desk.simulator.setAccount('acme', { rateHeaders })
    return (await desk.get('/api/v2/groups')).headers
  }
  const [current, old, none] = [
    await headersWith('current'),
    await headersWith('old'),
    await headersWith('none'),
  ]

  t.deepEqual([current.has('ratelimit-limit'), current.has('rate-limit')], [true, false])
  t.deepEqual([old.has('ratelimit-limit'), old.has('rate-limit')], [false, true])
  t.deepEqual([none.has('x-rate-limit'), none.has('rate-limit')], [false, false])
})
