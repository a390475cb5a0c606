import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { deskWith, exportOf, rowsOf, simulatorWith, UNLIMITED } from './support.ts'
import type { Desk, Json } from './support.ts'

const CURSOR = '/api/v2/incremental/tickets/cursor.json'
const ALL = 'support_type_scope=all'
const DAY_MS = 86_400_000

/** The page that a cursor leads to. */
async function pageAfter(desk: Desk, cursor: unknown, query = ALL): Promise<Json> {
  const path = `${CURSOR}?cursor=${encodeURIComponent(String(cursor))}&${query}`
  return (await desk.get(path)).json
}

async function lastCursor(desk: Desk): Promise<unknown> {
  const { json } = await desk.get(`${CURSOR}?start_time=0&${ALL}`)
  return json['after_cursor']
}

/** Past the hidden minute, so that what just changed is visible. */
async function passAMinute(desk: Desk): Promise<void> {
  await desk.simulator.advanceClock(61_000)
}

test('a page names the next one by cursor and by address, before and at the end', async (t) => {
  const desk = await deskWith(t, { tickets: 5, shape: { bigTickets: 0 } })
  const { json } = await desk.get(`${CURSOR}?start_time=0&per_page=3&${ALL}`)
  const last = await pageAfter(desk, json['after_cursor'])

  t.is(rowsOf(json, 'tickets').length, 3)
  t.is(json['end_of_stream'], false)
  t.is(json['before_url'], null)
  t.is(json['before_cursor'], null)
  const address = new URL(String(json['after_url']))
  t.is(address.searchParams.get('cursor'), String(json['after_cursor']))
  t.is(address.searchParams.get('per_page'), '3')
  t.is(address.searchParams.get('start_time'), null)
  t.true(String(json['after_url']).startsWith(`${desk.base}/api/v2/incremental/`))
  t.is(rowsOf(last, 'tickets').length, 2)
  t.is(last['end_of_stream'], true)
  t.is(typeof last['after_cursor'], 'string')
})

test('a cursor decodes to the second and the id of the last row', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get(`${CURSOR}?start_time=0&per_page=7&${ALL}`)
  const last = rowsOf(json, 'tickets').at(-1)

  t.is(
    Buffer.from(String(json['after_cursor']), 'base64').toString(),
    `${String(last?.['generated_timestamp'])}.0||${String(last?.['id'])}|`,
  )
})

test('rows come in the order of second and id, also when a second spans pages', async (t) => {
  const desk = await deskWith(t, { tickets: 100, shape: { sameSecond: 40 } })
  const rows: Json[] = []
  for await (const row of exportOf(desk, `per_page=7&${ALL}`)) rows.push(row)
  const places = rows.map((row) => [Number(row['generated_timestamp']), Number(row['id'])] as const)

  t.is(rows.length, 100)
  t.deepEqual(
    places,
    [...places].toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
  )
  t.is(new Set(places.map(([second]) => second)).size, 3)
})

test('start_time compares with generated_timestamp, including the second itself', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get(`${CURSOR}?start_time=0&per_page=100&${ALL}`)
  const row = rowsOf(json, 'tickets').at(-1)
  const since = String(row?.['generated_timestamp'])
  const { json: later } = await desk.get(`${CURSOR}?start_time=${since}&per_page=100&${ALL}`)

  t.is(rowsOf(later, 'tickets')[0]?.['generated_timestamp'], row?.['generated_timestamp'])
})

test('what changed in the last minute is hidden until the minute is over', async (t) => {
  const desk = await deskWith(t)
  const end = await lastCursor(desk)
  await desk.simulator.mutate('acme', { kind: 'set_status', ticketId: 10, status: 'open' })
  const hidden = await pageAfter(desk, end)
  await passAMinute(desk)
  const visible = await pageAfter(desk, end)

  t.deepEqual(rowsOf(hidden, 'tickets'), [])
  t.is(hidden['after_cursor'], end)
  t.deepEqual(
    rowsOf(visible, 'tickets').map((row) => row['id']),
    [10],
  )
})

test('a ticket that changes while pages are read moves to the end and comes again', async (t) => {
  const desk = await deskWith(t, { tickets: 50 })
  const first = (await desk.get(`${CURSOR}?start_time=0&per_page=20&${ALL}`)).json
  await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId: 3 })
  await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId: 30 })
  await passAMinute(desk)
  const rest = await pageAfter(desk, first['after_cursor'])
  const ids = rowsOf(rest, 'tickets').map((row) => row['id'])

  t.deepEqual(ids.slice(-2), [3, 30])
  t.is(ids.filter((id) => id === 30).length, 1)
  t.is(ids.length, 31)
})

test('a ticket that changes twice has one place, the later one', async (t) => {
  const desk = await deskWith(t, { tickets: 20 })
  const end = await lastCursor(desk)
  for (const ticketId of [4, 5, 4]) {
    await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId })
    await passAMinute(desk)
  }
  const { tickets } = await pageAfter(desk, end)

  t.deepEqual(
    (tickets as Json[]).map((row) => row['id']),
    [5, 4],
  )
})

test('a system update moves only generated_timestamp', async (t) => {
  const desk = await deskWith(t)
  const before = (await desk.get('/api/v2/tickets/7')).json['ticket'] as Json
  const end = await lastCursor(desk)
  await desk.simulator.mutate('acme', { kind: 'system_update', ticketId: 7 })
  await passAMinute(desk)
  const [row] = rowsOf(await pageAfter(desk, end), 'tickets')

  const { generated_timestamp: generated, ...rest } = row ?? {}
  t.deepEqual(rest, before)
  t.true(Number(generated) * 1000 > Date.parse(String(before['updated_at'])))
})

test('AI tickets are left out unless they are asked for', async (t) => {
  const desk = await deskWith(t, { tickets: 300, shape: { aiAgentShare: 0.3 } })
  const count = async (query: string): Promise<number> =>
    (await Array.fromAsync(exportOf(desk, query))).length

  const all = await count(ALL)
  const ai = await count('support_type_scope=ai_agent')
  t.is(all, 300)
  t.true(ai > 50)
  t.is(await count('per_page=1000'), all - ai)
})

test('sideloads add the number of comments and the people', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get(`${CURSOR}?start_time=0&include=comment_count,users&${ALL}`)
  const row = rowsOf(json, 'tickets')[50]
  const { json: counted } = await desk.get(`/api/v2/tickets/${String(row?.['id'])}/comments/count`)
  const ids = rowsOf(json, 'users').map((user) => user['id'])

  t.is(row?.['comment_count'], (counted['count'] as Json)['value'])
  t.true(ids.includes(row?.['assignee_id']) || row?.['assignee_id'] === null)
  t.is(new Set(ids).size, ids.length)
})

test('a deleted ticket shows, is scrubbed thirty days later, and has no comments', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const end = await lastCursor(desk)
  await desk.simulator.mutate('acme', { kind: 'delete', ticketId: 9 })
  await passAMinute(desk)
  const deleted = await pageAfter(desk, end)
  await desk.simulator.advanceClock(30 * DAY_MS)
  const scrubbed = await pageAfter(desk, deleted['after_cursor'])

  const [before] = rowsOf(deleted, 'tickets')
  const [after] = rowsOf(scrubbed, 'tickets')
  t.is(before?.['status'], 'deleted')
  t.not(before?.['subject'], 'SCRUBBED')
  t.like(after, { id: 9, status: 'deleted', subject: 'SCRUBBED', raw_subject: 'SCRUBBED' })
  t.like(after, { description: 'X', tags: [], custom_fields: [] })
  t.is(after?.['updated_at'], before?.['updated_at'])
  t.is(
    Number(after?.['generated_timestamp']) - Number(before?.['generated_timestamp']),
    30 * 86_400,
  )
  for (const path of ['/api/v2/tickets/9', '/api/v2/tickets/9/comments']) {
    const { status, json } = await desk.get(path)
    t.is(status, 404)
    t.is(json['error'], 'RecordNotFound')
  }
})

test('tickets deleted before the start are scrubbed as well when their time comes', async (t) => {
  const desk = await deskWith(t, { tickets: 400, days: 60, shape: { deletedShare: 0.2 } })
  const scrubbedIn = async (): Promise<number> =>
    (await Array.fromAsync(exportOf(desk, ALL))).filter((row) => row['subject'] === 'SCRUBBED')
      .length
  const deletedIn = async (): Promise<number> =>
    (await Array.fromAsync(exportOf(desk, ALL))).filter((row) => row['status'] === 'deleted').length

  const scrubbed = await scrubbedIn()
  const deleted = await deletedIn()
  await desk.simulator.advanceClock(31 * DAY_MS)
  t.true(scrubbed > 0 && scrubbed < deleted)
  t.is(await scrubbedIn(), deleted)
  t.is(await deletedIn(), deleted)
})

test('a restored ticket comes back as it was, and a purged one is scrubbed early', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const end = await lastCursor(desk)
  await desk.simulator.mutate('acme', { kind: 'delete', ticketId: 11 })
  await desk.simulator.mutate('acme', { kind: 'delete', ticketId: 12 })
  await desk.simulator.advanceClock(5 * DAY_MS)
  await desk.simulator.mutate('acme', { kind: 'restore', ticketId: 11 })
  await desk.simulator.mutate('acme', { kind: 'delete_permanently', ticketId: 12 })
  await passAMinute(desk)
  const rows = rowsOf(await pageAfter(desk, end), 'tickets')

  t.is(rows.length, 2)
  t.not(rows[0]?.['status'], 'deleted')
  t.like(rows[1], { id: 12, status: 'deleted', subject: 'SCRUBBED' })
  t.is((await desk.get('/api/v2/tickets/11/comments')).status, 200)
  await t.throwsAsync(async () => desk.simulator.mutate('acme', { kind: 'restore', ticketId: 12 }))
})

test('spam goes to the bin and its requester is suspended', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { json } = await desk.get('/api/v2/tickets/show_many?ids=1,2,3,4,5')
  const { json: people } = await desk.get(
    `/api/v2/users/show_many?ids=${rowsOf(json, 'tickets')
      .map((row) => String(row['requester_id']))
      .join(',')}`,
  )
  const requester = rowsOf(people, 'users')[0]
  const spam = rowsOf(json, 'tickets').find((row) => row['requester_id'] === requester?.['id'])
  await desk.simulator.mutate('acme', { kind: 'mark_as_spam', ticketId: Number(spam?.['id']) })

  t.is((await desk.get(`/api/v2/tickets/${String(spam?.['id'])}`)).status, 404)
  const { json: shown } = await desk.get(`/api/v2/users/${String(requester?.['id'])}`)
  t.is((shown['user'] as Json)['suspended'], true)
  const { json: bin } = await desk.get('/api/v2/deleted_tickets')
  t.deepEqual(
    rowsOf(bin, 'deleted_tickets').map((row) => row['id']),
    [spam?.['id']],
  )
})

test('exclude_deleted hides deleted tickets', async (t) => {
  const desk = await deskWith(t, { tickets: 300, shape: { deletedShare: 0.2 } })
  const rows = await Array.fromAsync(exportOf(desk, `exclude_deleted=true&${ALL}`))

  t.true(rows.length < 280)
  t.true(rows.every((row) => row['status'] !== 'deleted'))
})

test('a start_time in the last minute is refused, with 422 or 400', async (t) => {
  const desk = await deskWith(t)
  const recent = Math.floor(Date.now() / 1000) - 30
  const refused = await desk.get(`${CURSOR}?start_time=${recent}`)
  await desk.simulator.setAccount('acme', { tooRecentStatus: 400 })
  const older = await desk.get(`${CURSOR}?start_time=${recent}`)

  t.is(refused.status, 422)
  t.is(refused.json['error'], 'InvalidValue')
  t.regex(String(refused.json['description']), /Too recent start_time/)
  t.is(older.status, 400)
  t.is((await desk.get(`${CURSOR}?start_time=${recent - 60}`)).status, 200)
})

test('neither start_time nor cursor, or a cursor of another kind, is 400', async (t) => {
  const desk = await deskWith(t)

  t.is((await desk.get(CURSOR)).status, 400)
  t.is((await desk.get(`${CURSOR}?cursor=bm8=`)).status, 400)
})

test('an empty export gives a cursor to go on from, or null where it is set so', async (t) => {
  const desk = await deskWith(t, { tickets: 0 })
  const { json } = await desk.get(`${CURSOR}?start_time=1700000000`)
  await desk.simulator.setAccount('acme', { nullCursorWhenEmpty: true })
  const { json: none } = await desk.get(`${CURSOR}?start_time=1700000000`)

  t.deepEqual(json['tickets'], [])
  t.is(json['end_of_stream'], true)
  t.is((await pageAfter(desk, json['after_cursor']))['end_of_stream'], true)
  t.is(none['after_cursor'], null)
  t.is(none['after_url'], null)
})

test('an export by time never cuts a second, and steps one on from a page of one', async (t) => {
  const desk = await deskWith(t, { tickets: 21, shape: { sameSecond: 7 } })
  const path = '/api/v2/incremental/tickets.json'
  const one = (await desk.get(`${path}?start_time=0&per_page=1&${ALL}`)).json
  const many = (await desk.get(`${path}?start_time=0&per_page=10&${ALL}`)).json
  const again = (await desk.get(String(many['next_page']).slice(desk.base.length))).json
  const second = (json: Json, place: number): unknown =>
    rowsOf(json, 'tickets').at(place)?.['generated_timestamp']

  t.is(one['count'], 7)
  t.is(one['end_time'], Number(second(one, 0)) + 1)
  t.is(one['end_of_stream'], false)
  t.is(many['count'], 14)
  t.is(many['end_time'], second(many, -1))
  t.is(second(again, 0), second(many, -1))
  t.is(again['end_of_stream'], true)
  t.regex(String(again['next_page']), /start_time=\d+/)
})

test('an agent is refused the exports and nothing else', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setAccount('acme', { role: 'agent' })
  const { status, json } = await desk.get(`${CURSOR}?start_time=0`)

  t.is(status, 403)
  t.is((json['error'] as Json)['title'], 'Forbidden')
  t.is((await desk.get('/api/v2/tickets/1/comments')).status, 200)
  t.like((await desk.get('/api/v2/users/me')).json['user'], { role: 'agent' })
})

test('200,000 tickets pass in order and complete, none of them held', async (t) => {
  t.timeout(60_000)
  const desk = await deskWith(t, { tickets: 200_000 })
  const before = heapAfterCollection()
  let [count, lastSecond, lastId] = [0, 0, 0]
  let isOrdered = true
  for await (const row of exportOf(desk, `per_page=1000&${ALL}`)) {
    const [second, id] = [Number(row['generated_timestamp']), Number(row['id'])]
    isOrdered &&= second > lastSecond || (second === lastSecond && id > lastId)
    isOrdered &&= id === count + 1
    ;[lastSecond, lastId] = [second, id]
    count += 1
  }

  t.is(count, 200_000)
  t.true(isOrdered)
  t.true(heapAfterCollection() - before < 10_000_000)
})

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

test('the same seed gives the same account, another seed another one', async (t) => {
  const now = new Date('2026-06-01T00:00:00Z')
  const account = { tickets: 40, settings: UNLIMITED }
  const [one, two, other] = [
    await deskWith(t, account, { now, seed: 'a' }),
    await deskWith(t, account, { now, seed: 'a' }),
    await deskWith(t, account, { now, seed: 'b' }),
  ]
  const textOf = async (desk: Desk): Promise<string> => {
    const rows = await desk.get(`${CURSOR}?start_time=0&${ALL}`)
    const comments = await desk.get('/api/v2/tickets/5/comments?include=users')
    return (rows.text + comments.text).replaceAll(desk.base, '')
  }

  t.is(await textOf(one), await textOf(two))
  t.not(await textOf(one), await textOf(other))
})

test('an account that does not exist is no help desk', async (t) => {
  const { url } = await simulatorWith(t)
  const response = await fetch(`${url}/nobody/api/v2/users/me.json`)
  const body = (await response.json()) as Json

  t.is(response.status, 404)
  t.is((body['error'] as Json)['title'], 'No help desk at nobody.zendesk.com')
})
