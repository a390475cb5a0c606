import test from 'ava'
import { ZendeskRefusedError, ZendeskShapeError } from '../../src/platform/errors.ts'
import {
  type ExportPosition,
  exportPath,
  isRepeated,
  largerPage,
  readTicketPage,
  smallerPage,
} from '../../src/zendesk/tickets.ts'
import { exportJson, ticketJson } from '../support/zendesk-json.ts'

const NOW = Date.UTC(2026, 5, 1)
const from = { cursor: 'before' }
const size = { pageSize: 100, nowMs: NOW }

const answered = (value: object) => ({ kind: 'answered', value }) as const
const read = (value: object) =>
  readTicketPage(answered(value), from, { pageSize: 1_000, nowMs: NOW })
const readRow = (fields: Record<string, unknown>) =>
  read(exportJson({ tickets: [ticketJson(fields)] })).tickets[0]

test('a page of the export is read into our own words', (t) => {
  const page = read(exportJson())

  t.like(page, { afterCursor: 'next', endOfStream: false, pageSize: 1_000 })
  const [ticket] = page.tickets
  t.is(ticket?.generatedAt.toISO(), '2026-01-02T00:00:05.000Z')
  t.is(ticket?.createdAt.toISO(), '2026-01-01T00:00:00.000Z')
  t.is(ticket?.updatedAt.toISO(), '2026-01-02T00:00:00.000Z')
  t.like(ticket, {
    id: 42,
    status: 'open',
    subject: 'It fails',
    priority: null,
    type: null,
    tags: ['billing'],
    groupId: null,
    channel: 'email',
    isPublic: true,
  })
})

test('what we do not use never leaves the parser, the description least of all', (t) => {
  t.notRegex(JSON.stringify(read(exportJson())), /SECRET|example\.com/)
})

test('a ticket of 2019, without the fields of later years, is read', (t) => {
  const { custom_status_id: _, encoded_id: __, support_type: ___, ...old } = ticketJson()

  t.is(read(exportJson({ tickets: [old] })).tickets.length, 1)
})

test('a scrubbed ticket is read', (t) => {
  t.like(readRow({ status: 'deleted', subject: 'SCRUBBED', tags: [], custom_fields: [] }), {
    status: 'deleted',
    tags: [],
  })
})

test('values that nobody has heard of pass', (t) => {
  t.like(
    readRow({ status: 'brand_new', priority: 'huge', type: 'wish', via: { channel: 'telepathy' } }),
    { status: 'brand_new', priority: 'huge', type: 'wish', channel: 'telepathy' },
  )
})

test('a via that is a display string, null or missing names no channel', (t) => {
  for (const via of ['Web form', null, undefined, {}]) t.is(readRow({ via })?.channel, null)
})

test('decoration may be missing', (t) => {
  const bare = {
    subject: undefined,
    priority: undefined,
    type: undefined,
    is_public: undefined,
  }

  t.like(readRow(bare), { subject: null, isPublic: null })
})

const halts = test.macro({
  title: (_, field: string, value: unknown) => `a ticket whose ${field} is ${String(value)} halts`,
  exec: (t, field: string, value: unknown) => {
    const error = t.throws(() => readRow({ [field]: value }), { instanceOf: ZendeskShapeError })

    t.true(error.message.includes(`tickets.0.${field}`))
  },
})

test('no tags are an empty list', (t) => {
  t.deepEqual(readRow({ tags: null })?.tags, [])
})

for (const field of ['id', 'generated_timestamp', 'created_at', 'updated_at', 'status']) {
  test(halts, field, undefined)
  test(halts, field, null)
}
test(halts, 'id', '42')
test(halts, 'id', 0)
test(halts, 'id', 2 ** 53)
test(halts, 'status', '')
test(halts, 'tags', 'billing')
test(halts, 'tags', undefined)
test(halts, 'group_id', undefined)
test(halts, 'tags', [{ name: 'billing' }])
test(halts, 'updated_at', 'yesterday')
test(halts, 'updated_at', '2026-13-45T00:00:00Z')
test(halts, 'updated_at', '2026-01-01T00:00:00')
test(halts, 'updated_at', '0000-01-01T00:00:00Z')
test(halts, 'updated_at', '9999-12-31T23:59:59-01:00')
test(halts, 'comment_count', -1)
test(halts, 'comment_count', 2 ** 31)

test('a row from the future counts as one of its update, so that what follows it is newer', (t) => {
  const ahead = readRow({ generated_timestamp: NOW / 1_000 + 86_400 })
  const skewed = readRow({ generated_timestamp: NOW / 1_000 + 60 })

  t.deepEqual(ahead?.generatedAt, ahead?.updatedAt)
  t.is(skewed?.generatedAt.toMillis(), NOW + 60_000)
})

test('the cursor at the end of the stream is kept, and may be null there', (t) => {
  t.like(read(exportJson({ end_of_stream: true })), { afterCursor: 'next', endOfStream: true })
  t.like(read(exportJson({ end_of_stream: true, after_cursor: null, tickets: [] })), {
    afterCursor: null,
    endOfStream: true,
  })
})

test('an unmoved cursor is the end of the stream only if Zendesk says so', (t) => {
  const end = read(exportJson({ end_of_stream: true, after_cursor: 'before' }))
  const again = read(exportJson({ after_cursor: 'before' }))

  t.false(isRepeated(end, from))
  t.true(isRepeated(again, from))
  t.false(isRepeated(again, { startAt: new Date(0) }))
})

test('a page without a cursor or without a word on the end halts', (t) => {
  t.throws(() => read(exportJson({ after_cursor: null })), { message: /after_cursor/ })
  t.throws(() => read(exportJson({ end_of_stream: undefined })), { message: /end_of_stream/ })
  t.throws(() => read({}), { instanceOf: ZendeskShapeError })
})

test('a start that is too recent is an empty end of the stream', (t) => {
  const reading = { kind: 'invalid', status: 422, isTooRecent: true } as const

  t.deepEqual(readTicketPage(reading, { startAt: new Date(NOW) }, size), {
    tickets: [],
    afterCursor: null,
    endOfStream: true,
    pageSize: 100,
  })
})

test('a cursor that Zendesk refuses is told from a start that it refuses', (t) => {
  const reading = { kind: 'invalid', status: 400, isTooRecent: false } as const
  const refusal = (position: ExportPosition) =>
    t.throws(() => readTicketPage(reading, position, size), { instanceOf: ZendeskShapeError })

  t.like(refusal(from), { refusesCursor: true })
  t.regex(refusal(from).message, /400 to the stored cursor/)
  t.like(refusal({ startAt: new Date(0) }), { refusesCursor: false })
})

test('a user who may not export lacks the role', (t) => {
  const error = t.throws(() => readTicketPage({ kind: 'forbidden' }, from, size), {
    instanceOf: ZendeskRefusedError,
  })

  t.is(error.integrationError, 'role_insufficient')
})

test('the path asks for all kinds of support and the number of comments, and hides no deleted ticket', (t) => {
  t.is(
    exportPath({ cursor: 'MTc2Nw==|+/' }, 500, NOW),
    '/api/v2/incremental/tickets/cursor.json?cursor=MTc2Nw%3D%3D%7C%2B%2F&per_page=500&support_type_scope=all&include=comment_count',
  )
})

test('a start is asked for in seconds and is at least two minutes old', (t) => {
  const startOf = (startAt: Date) => /start_time=(\d+)/.exec(exportPath({ startAt }, 1, NOW))?.[1]

  t.is(startOf(new Date(Date.UTC(2026, 0, 1))), String(Date.UTC(2026, 0, 1) / 1000))
  t.is(startOf(new Date(NOW)), String(NOW / 1000 - 120))
  t.is(startOf(new Date(NOW + 1e9)), String(NOW / 1000 - 120))
  t.is(startOf(new Date(0)), '0')
})

test('a page is halved down to a few, never below what was asked for', (t) => {
  t.is(smallerPage(1_000), 500)
  t.is(smallerPage(15), 10)
  t.is(smallerPage(10), 10)
  t.is(smallerPage(3), 3)
})

test('pages grow again, up to the largest', (t) => {
  t.is(largerPage(1), 2)
  t.is(largerPage(500), 626)
  t.is(largerPage(1_000), 1_000)
})
