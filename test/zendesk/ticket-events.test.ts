import test from 'ava'
import { ZendeskRefusedError, ZendeskShapeError } from '../../src/platform/errors.ts'
import { readStaff } from '../../src/zendesk/answers/authors.ts'
import { readTicketEvents, ticketEventsPath } from '../../src/zendesk/answers/ticket-events.ts'
import { testGateway } from '../support/gateway.ts'

type Json = Record<string, unknown>

const start = new Date('2026-01-01T00:00:00Z')
const startSeconds = start.getTime() / 1000

const comment = (fields: Json = {}): Json => ({
  id: 911,
  type: 'Comment',
  event_type: 'Comment',
  audit_id: 910,
  author_id: 7,
  body: 'Hello',
  plain_body: 'Hello',
  public: true,
  attachments: [],
  via: { channel: 'web', source: { from: {}, to: {}, rel: null } },
  created_at: '2026-01-01T00:00:00Z',
  ...fields,
})

const event = (children: readonly unknown[], fields: Json = {}): Json => ({
  id: 910,
  ticket_id: 42,
  timestamp: startSeconds,
  created_at: '2026-01-01T00:00:00Z',
  updater_id: 7,
  via: 'Web form',
  event_type: 'Audit',
  system: { client: 'Firefox', location: 'Copenhagen' },
  child_events: children,
  ...fields,
})

const pageOf = (events: readonly unknown[], fields: Json = {}) =>
  readTicketEvents(
    {
      kind: 'answered',
      value: { ticket_events: events, end_of_stream: true, end_time: startSeconds, ...fields },
    },
    start,
    1000,
  )

const read = (...children: readonly unknown[]) => pageOf([event(children)]).events[0]!

test('an event gives its public comments in the form of the comments endpoint', (t) => {
  const attachments = [
    { file_name: 'a.png', content_type: 'image/png', inline: false },
    { file_name: 'in-the-text.png', content_type: 'image/png', inline: true },
  ]

  const { ticketId, comments, commentCount, mustConfirm } = read(
    comment({ attachments }),
    { id: 912, via: 'Web form', status: 'open', event_type: 'Create' },
    { id: 913, via: 'Web form', tags: ['a'], added_tags: ['a'], event_type: 'Change' },
  )

  t.is(Number(ticketId), 42)
  t.is(commentCount, 1)
  t.false(mustConfirm)
  t.like(comments[0], { id: 911, public: true, authorId: 7, text: 'Hello' })
  t.deepEqual(comments[0]?.attachments, [{ fileName: 'a.png', contentType: 'image/png' }])
})

test('of a private comment there is nothing but that it was written', (t) => {
  for (const notPublic of [false, null, 'true', 1, 0]) {
    const it = read(comment({ public: notPublic, body: 'prv_secret', plain_body: 'prv_secret' }))

    t.is(it.commentCount, 1)
    t.false(it.mustConfirm)
    t.notRegex(JSON.stringify(it), /prv_secret/)
  }
})

const confirmed = test.macro({
  exec: (t, child: unknown) => {
    const it = read(comment({ id: 1 }), child)

    t.true(it.mustConfirm)
    t.deepEqual(it.comments, [])
  },
  title: (given = '') => `a ticket is confirmed at the comments endpoint after ${given}`,
})
const { public: _, ...unmarked } = comment()
test('a comment that does not say whether it is public', confirmed, unmarked)
test('a comment that is only announced', confirmed, {
  id: 5,
  comment_present: true,
  comment_public: true,
  event_type: 'Comment',
})
test('a change of privacy', confirmed, { id: 5, event_type: 'CommentPrivacyChange', public: false })
test('a redaction', confirmed, { id: 5, event_type: 'CommentRedactionEvent' })
test('a redacted attachment', confirmed, { id: 5, event_type: 'AttachmentRedactionEvent' })
test('an event about comments of an unknown type', confirmed, { event_type: 'CommentMovedEvent' })
test('a chat', confirmed, { id: 5, event_type: 'ChatStartedEvent' })
test('a child without a type', confirmed, { id: 5 })
test('a child that is nothing', confirmed, null)
test('a comment of an unknown kind', confirmed, comment({ type: 'FacebookComment' }))
test('a call that does not say who spoke', confirmed, comment({ type: 'VoiceComment' }))
test('a text that may have been cut', confirmed, comment({ body: 'x'.repeat(64_000) }))
test('a comment without a time', confirmed, comment({ created_at: null }))

test('a call that says who spoke is read without their numbers', (t) => {
  const data = { from: '+15550100', to: '+15550199' }
  const { comments } = read(
    comment({ type: 'VoiceComment', data, plain_body: 'Call from +1 555 0100' }),
  )

  t.is(comments[0]?.text, 'Call from')
})

test('unknown events that concern no comment are passed over', (t) => {
  const it = read({ id: 5, event_type: 'SomethingNew' }, { id: 6, event_type: 'Notification' })

  t.like(it, { commentCount: 0, mustConfirm: false })
})

test('a page leads to its end, and never to where it began', (t) => {
  const more = { end_of_stream: false }

  t.is(
    pageOf([], { ...more, end_time: startSeconds + 60 }).endAt.getTime() / 1000,
    startSeconds + 60,
  )
  t.is(pageOf([], { ...more, end_time: startSeconds }).endAt.getTime() / 1000, startSeconds + 1)
  t.is(pageOf([], { end_time: null }).endAt.getTime(), start.getTime())
  for (const end_time of [startSeconds - 1, null, start.getTime(), 1e300]) {
    t.throws(() => pageOf([], { ...more, end_time }), { instanceOf: ZendeskShapeError })
  }
})

test('a page that cannot reach a place that is too recent to ask for leaves us at it', (t) => {
  const askedAt = new Date(start.getTime() - 100_000)
  const page = (endTime: number) =>
    readTicketEvents(
      {
        kind: 'answered',
        value: { ticket_events: [event([])], end_of_stream: false, end_time: endTime },
      },
      start,
      1000,
      askedAt,
    )

  t.like(page(startSeconds - 50), { endAt: start, endOfStream: true, events: { length: 1 } })
  t.like(page(startSeconds + 50), { endOfStream: false })
  t.throws(() => page(startSeconds - 101), { instanceOf: ZendeskShapeError })
})

test('an event that names no ticket is no form that we know', (t) => {
  t.throws(() => pageOf([event([], { ticket_id: null })]), { instanceOf: ZendeskShapeError })
})

test('a start that is too recent is the end of the stream', (t) => {
  const reading = { kind: 'invalid', status: 422, isTooRecent: true } as const

  t.like(readTicketEvents(reading, start, 10), { events: [], endOfStream: true, endAt: start })
})

test('what only administrators may read is refused as such', (t) => {
  t.throws(() => readTicketEvents({ kind: 'forbidden' }, start, 10), {
    instanceOf: ZendeskRefusedError,
  })
})

test('events are asked for with their comments, from all channels, never of the last minutes', (t) => {
  const now = start.getTime() + 30_000

  t.is(
    ticketEventsPath(start, 500, now),
    `/api/v2/incremental/ticket_events.json?start_time=${startSeconds - 90}&per_page=500&support_type_scope=all&include=comment_events`,
  )
})

test('staff are agents and administrators; whom Zendesk leaves out is none', (t) => {
  const users = [
    { id: 1, role: 'end-user', name: 'never read' },
    { id: 2, role: 'agent' },
    { id: 3, role: 'admin' },
  ]

  t.deepEqual([...readStaff({ kind: 'answered', value: { users } })], [2, 3])
})

test('a page of events that takes too long is asked for again, smaller', async (t) => {
  const { zendesk, account, host, signal } = await testGateway(t)
  const sizes: (string | null)[] = []
  const answer = { ticket_events: [], end_of_stream: true, end_time: startSeconds }
  for (const status of [504, 200]) {
    host
      .get('/api/v2/incremental/ticket_events.json')
      .query(true)
      .reply((request: Request) => {
        sizes.push(new URL(request.url).searchParams.get('per_page'))
        return [status, status === 200 ? answer : 'upstream request timeout']
      })
  }

  const page = await zendesk.exportEvents(account, start, { pageSize: 1000, signal })

  t.deepEqual(sizes, ['1000', '500'])
  t.is(page.pageSize, 500)
})
