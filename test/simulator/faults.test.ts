import test from 'ava'
import type { Fault } from '../../src/simulator/faults/fault.ts'
import { deskWith, refresh, rowsOf, tokensFor } from './support.ts'
import type { Json, Reply } from './support.ts'

const CURSOR = '/api/v2/incremental/tickets/cursor?per_page=5&start_time=0'
const COMMENTS = '/api/v2/tickets/1/comments?page[size]=1'

interface Answer {
  readonly status: number
  readonly retryAfter?: string | null
  readonly text?: RegExp
}

const answers = test.macro(async (t, fault: Fault, expected: Answer) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault(fault)
  const { status, headers, text } = await desk.get(CURSOR)

  t.is(status, expected.status)
  if (expected.retryAfter !== undefined) t.is(headers.get('retry-after'), expected.retryAfter)
  if (expected.text !== undefined) t.regex(text, expected.text)
  t.is((await desk.get(CURSOR)).status, 200)
})

test(
  '429 with a Retry-After',
  answers,
  { kind: 'rate_limited', retryAfter: '7' },
  {
    status: 429,
    retryAfter: '7',
    text: /APIRateLimitExceeded/,
  },
)
test(
  '429 without a Retry-After',
  answers,
  { kind: 'rate_limited', retryAfter: null },
  {
    status: 429,
    retryAfter: null,
  },
)
test(
  '429 with two values',
  answers,
  { kind: 'rate_limited', retryAfter: '50, 53' },
  {
    status: 429,
    retryAfter: '50, 53',
  },
)
test(
  '429 as a page',
  answers,
  { kind: 'rate_limited', retryAfter: null, html: true },
  {
    status: 429,
    text: /<html>/,
  },
)
test('500', answers, { kind: 'status', status: 500 }, { status: 500, text: /InternalError/ })
test(
  '502 as a page',
  answers,
  { kind: 'status', status: 502, html: true },
  {
    status: 502,
    text: /<html>/,
  },
)
test(
  '503 with a Retry-After',
  answers,
  { kind: 'status', status: 503, retryAfter: '3' },
  {
    status: 503,
    retryAfter: '3',
  },
)
test(
  '503 without one',
  answers,
  { kind: 'status', status: 503 },
  {
    status: 503,
    retryAfter: null,
  },
)
test('a page where JSON is expected', answers, { kind: 'html' }, { status: 200, text: /^<!doc/ })
test('an empty answer', answers, { kind: 'empty' }, { status: 200, text: /^$/ })
test(
  'half of the JSON',
  answers,
  { kind: 'truncated' },
  { status: 200, text: /^\{"tickets".*[^}]$/s },
)
test(
  'a redirect to another host',
  answers,
  { kind: 'redirect', location: 'https://evil.test/' },
  {
    status: 302,
  },
)

test('a remaining budget in the headers does not prevent a 429', async (t) => {
  const desk = await deskWith(t, { settings: { rates: { account: 700 } } })
  await desk.simulator.setFault({ kind: 'rate_limited', family: 'comments' })
  const limited = await desk.get(COMMENTS)

  t.is(limited.status, 429)
  t.true(Number(limited.headers.get('x-rate-limit-remaining')) > 0)
})

test('pages above a size time out at the gateway', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'page_too_big', above: 250, times: null })
  const path = '/api/v2/incremental/tickets/cursor?start_time=0'

  const big = await desk.get(path)
  t.is(big.status, 504)
  t.is(big.text, 'upstream request timeout')
  t.is((await desk.get(`${path}&per_page=500`)).status, 504)
  t.is((await desk.get(`${path}&per_page=250`)).status, 200)
})

test('a fault can be about some queries only', async (t) => {
  const desk = await deskWith(t)
  const scope = { path: 'incremental/tickets/cursor', query: 'cursor=' }
  await desk.simulator.setFault({ ...scope, kind: 'status', status: 400, times: null })

  const first = await desk.get('/api/v2/incremental/tickets/cursor.json?start_time=0&per_page=5')
  const cursor = encodeURIComponent(String(first.json['after_cursor']))
  const second = await desk.get(`/api/v2/incremental/tickets/cursor.json?cursor=${cursor}`)

  t.deepEqual([first.status, second.status], [200, 400])
})

test('a connection can be reset, cut in the middle, or left hanging', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'reset', family: 'incremental' })
  await t.throwsAsync(async () => desk.get(CURSOR))
  await desk.simulator.setFault({ kind: 'cut_answer', family: 'incremental' })
  await t.throwsAsync(async () => desk.get(CURSOR))
  await desk.simulator.setFault({ kind: 'hang', family: 'incremental' })
  await t.throwsAsync(
    async () => fetch(`${desk.base}${CURSOR}`, { signal: AbortSignal.timeout(100) }),
    { name: 'TimeoutError' },
  )

  t.is((await desk.simulator.counters()).byFamilyAndStatus['incremental 0'], 3)
})

test('a slow answer comes, and other faults still apply to it', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'slow', ms: 30 })
  await desk.simulator.setFault({ kind: 'status', status: 500 })
  const { status } = await desk.get(CURSOR)

  t.is(status, 500)
  const hits = (await desk.simulator.listFaults()).map(({ hit }) => hit)
  t.deepEqual(hits, [1, 1])
})

test('a cursor can stay where it was although more is promised', async (t) => {
  const desk = await deskWith(t)
  const first = (await desk.get(CURSOR)).json
  await desk.simulator.setFault({ kind: 'unmoved_cursor', family: 'incremental', times: 1 })
  const cursor = encodeURIComponent(String(first['after_cursor']))
  const stuck = (await desk.get(`/api/v2/incremental/tickets/cursor?cursor=${cursor}`)).json
  await desk.simulator.setFault({ kind: 'unmoved_cursor', family: 'comments' })
  const comments = (await desk.get(`${COMMENTS}&page[after]=cGxhY2V8fDA=`)).json
  await desk.simulator.setFault({ kind: 'unmoved_cursor', family: 'incremental' })
  const byTime = (await desk.get('/api/v2/incremental/tickets?start_time=0')).json

  t.is(stuck['after_cursor'], first['after_cursor'])
  t.is(stuck['end_of_stream'], false)
  t.like(comments['meta'], { has_more: true, after_cursor: 'cGxhY2V8fDA=' })
  t.like(byTime, { end_time: 0, end_of_stream: false })
})

test('a page can come a second time', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'repeated_page', family: 'incremental', after: 1 })
  const first = (await desk.get(CURSOR)).json
  const cursor = encodeURIComponent(String(first['after_cursor']))
  const next = `/api/v2/incremental/tickets/cursor?per_page=5&cursor=${cursor}`
  const repeated = (await desk.get(next)).json
  const moved = (await desk.get(next)).json

  t.deepEqual(repeated, first)
  t.not(moved['after_cursor'], first['after_cursor'])
})

test('a field can be missing, or have another value, everywhere or in one list', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'missing_field', field: 'public' })
  const missing = (await desk.get(COMMENTS)).json
  await desk.simulator.setFault({ kind: 'missing_field', field: 'id', inside: 'users' })
  const inside = (await desk.get(`${COMMENTS}&include=users`)).json
  await desk.simulator.setFault({ kind: 'set_field', field: 'status', value: 7 })
  const changed = (await desk.get(CURSOR)).json

  t.false('public' in (rowsOf(missing, 'comments')[0] ?? {}))
  t.true('id' in (rowsOf(inside, 'comments')[0] ?? {}))
  t.false('id' in (rowsOf(inside, 'users')[0] ?? {}))
  t.true(rowsOf(changed, 'tickets').every((row) => row['status'] === 7))
})

test('fields and values that nobody knows yet can appear', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'unknown_fields', times: 2 })
  const tickets = rowsOf((await desk.get(CURSOR)).json, 'tickets')
  const comments = rowsOf((await desk.get(COMMENTS)).json, 'comments')

  t.true(tickets.every((row) => 'future_field' in row))
  t.true(tickets.some((row) => row['status'] === 'awaiting_robot'))
  t.like(comments[0], { type: 'HologramComment' })
})

test('one ticket can be unreadable while the others are fine', async (t) => {
  const desk = await deskWith(t)
  const fault: Fault = { kind: 'status', status: 404, family: 'comments', ticketId: 3, times: null }
  await desk.simulator.setFault(fault)

  t.is((await desk.get('/api/v2/tickets/3/comments')).json['error'], 'RecordNotFound')
  t.is((await desk.get('/api/v2/tickets/4/comments')).status, 200)
  t.is((await desk.get('/api/v2/tickets/3')).status, 200)
})

test('faults count: the first ones pass, so many are hit, the rest pass again', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'status', status: 500, after: 2, times: 2 })
  const statuses: number[] = []
  for (let call = 0; call < 6; call++) statuses.push((await desk.get(COMMENTS)).status)

  t.deepEqual(statuses, [200, 200, 500, 500, 200, 200])
})

test('faults apply one after the other in the order in which they were set', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'status', status: 500 })
  await desk.simulator.setFault({ kind: 'status', status: 502 })
  const statuses: number[] = []
  for (let call = 0; call < 3; call++) statuses.push((await desk.get(COMMENTS)).status)

  t.deepEqual(statuses, [500, 502, 200])
})

test('a share of the requests is hit, the same ones for the same seed', async (t) => {
  const statusesWith = async (seed: string): Promise<number[]> => {
    const desk = await deskWith(t, {}, { seed })
    const fault = { kind: 'status', status: 503, probability: 0.3, times: null } as const
    await desk.simulator.setFault(fault)
    const statuses: number[] = []
    for (let call = 0; call < 60; call++) statuses.push((await desk.get(COMMENTS)).status)
    return statuses
  }
  const [one, two] = [await statusesWith('a'), await statusesWith('a')]
  const hits = one.filter((status) => status === 503).length

  t.deepEqual(one, two)
  t.true(hits > 8 && hits < 30)
})

test('a ticket can change right before a certain request is answered', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  await desk.simulator.setFault({
    kind: 'change',
    family: 'comments',
    ticketId: 5,
    subdomain: 'acme',
    mutation: { kind: 'delete', ticketId: 5 },
  })

  t.is((await desk.get('/api/v2/tickets/5')).status, 200)
  t.is((await desk.get('/api/v2/tickets/5/comments')).status, 404)
})

test('an answer can be replaced after the request took effect', async (t) => {
  const desk = await deskWith(t)
  const { refresh_token } = await tokensFor(desk.base)
  await desk.simulator.setFault({ kind: 'status', status: 502, family: 'oauth', worked: true })
  const replies: Reply[] = [
    await refresh(desk.base, refresh_token),
    await refresh(desk.base, refresh_token),
  ]

  t.deepEqual(
    replies.map((reply) => reply.status),
    [502, 400],
  )
})

test('faults can be listed and taken back', async (t) => {
  const desk = await deskWith(t)
  const id = await desk.simulator.setFault({ kind: 'html', times: null })
  await desk.get(COMMENTS)
  const [armed] = await desk.simulator.listFaults()
  await desk.simulator.clearFaults(id)

  t.like(armed, { id, seen: 1, hit: 1 })
  t.deepEqual((await desk.get(COMMENTS)).json['meta'] !== undefined, true)
})

test('a fault stays with its family and its account', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setFault({ kind: 'html', subdomain: 'other', times: null })
  await desk.simulator.setFault({ kind: 'html', family: 'users', times: null })
  const { json } = await desk.get(CURSOR)

  t.is((json as Json)['end_of_stream'], false)
})
