import test from 'ava'
import { TicketId } from '../../src/ids.ts'
import { TicketUnreadableError, ZendeskShapeError } from '../../src/platform/errors.ts'
import {
  CommentCollection,
  assertEnds,
  commentsPath,
  nextPosition,
  readCommentsPage,
} from '../../src/zendesk/comments.ts'
import { commentJson, commentsJson, privateCommentJson, userJson } from '../support/zendesk-json.ts'

const ticketId = TicketId.parse(42)

function pageOf(value: object) {
  const page = readCommentsPage({ kind: 'answered', value }, ticketId)
  if (page === null) throw new Error('a page was expected')
  return page
}

function collect(...pages: object[]) {
  const collection = new CommentCollection(ticketId)
  for (const page of pages) collection.add(pageOf(page))
  return collection.result()
}

test('public comments are read, private ones are counted', (t) => {
  const read = collect(commentsJson([commentJson(), privateCommentJson()]))

  t.is(read.privateCount, 1)
  t.is(read.comments.length, 1)
  const [comment] = read.comments
  t.is(comment?.at.toISO(), '2026-01-01T00:00:00.000Z')
  t.like(comment, { id: 911, public: true, authorId: 7, text: 'Hello there', attachments: [] })
})

test('nothing private or personal leaves the parser', (t) => {
  const read = collect(commentsJson([commentJson(), privateCommentJson()]))

  t.notRegex(JSON.stringify(read), /SECRET|203\.0\.113/)
})

const isPrivate = test.macro({
  title: (_, value: unknown) => `a comment whose public is ${JSON.stringify(value)} is private`,
  exec: (t, value: unknown) => {
    const read = collect(commentsJson([privateCommentJson({ public: value })]))

    t.deepEqual(read.comments, [])
    t.is(read.privateCount, 1)
  },
})
for (const value of [false, null, 'true', 1, {}, [true]]) test(isPrivate, value)

test('a comment that does not say whether it is public halts', (t) => {
  const { public: _, ...comment } = privateCommentJson()

  const error = t.throws(() => collect(commentsJson([commentJson(), comment])), {
    instanceOf: ZendeskShapeError,
  })

  t.regex(error.message, /ticket 42, entry 1: .*public/)
})

test('a private comment may look as it likes', (t) => {
  const odd = [{ public: false }, { id: 'x', public: false, created_at: 5 }, null, 'text', 7]

  t.is(collect(commentsJson(odd as never)).privateCount, 5)
})

const halts = test.macro({
  title: (_, field: string, value: unknown) =>
    `a public comment whose ${field} is ${String(value)} halts`,
  exec: (t, field: string, value: unknown) => {
    const page = commentsJson([commentJson(), commentJson({ id: 912, [field]: value })])

    const error = t.throws(() => collect(page), { instanceOf: ZendeskShapeError })

    t.regex(error.message, new RegExp(`ticket 42, entry 1.*${field}`))
    t.notRegex(error.message, /Hello/)
  },
})
test(halts, 'id', undefined)
test(halts, 'author_id', undefined)
test(halts, 'created_at', undefined)
test(halts, 'created_at', 'today')
test(halts, 'plain_body', 5)

test('who is who comes from the users beside the comments', (t) => {
  const users = [userJson(), userJson({ id: 8, role: 'agent' }), userJson({ id: 9, role: 'admin' })]
  const others = [userJson({ id: 10, role: 'robot' }), userJson({ id: 11, role: null })]

  const read = collect(commentsJson([commentJson()], { users: [...users, ...others] }))

  t.deepEqual([...read.staffIds], [8, 9])
})

test('comments of people without the users beside them halt', (t) => {
  const page = commentsJson([commentJson()], { users: undefined })

  t.throws(() => collect(page), { instanceOf: ZendeskShapeError, message: /ticket 42.*users/ })
})

test('a comment halts without any of its texts, and is read with one of them', (t) => {
  const absent = { body: undefined, html_body: undefined, plain_body: undefined }

  t.throws(() => collect(commentsJson([commentJson(absent)])), { instanceOf: ZendeskShapeError })
  const read = collect(commentsJson([commentJson({ ...absent, body: '' })]))
  t.is(read.comments[0]?.text, '')
})

test('comments without users, of the system and of nobody are read', (t) => {
  const comments = [commentJson({ author_id: -1 }), commentJson({ id: 912, author_id: null })]

  const read = collect(commentsJson(comments, { users: undefined }))

  t.deepEqual(
    read.comments.map((comment) => comment.authorId),
    [-1, null],
  )
})

test('attachments keep their name and kind; those that were deleted are left out', (t) => {
  const attachments = [
    { id: 5, file_name: 'a.png', content_type: 'image/png', content_url: 'https://SECRET' },
    { id: 6, file_name: 'b.bin', content_type: null },
    { id: 7, file_name: 'c.txt', content_type: 'text/plain', deleted: true },
  ]

  const read = collect(commentsJson([commentJson({ attachments })]))

  t.deepEqual(read.comments[0]?.attachments, [
    { fileName: 'a.png', contentType: 'image/png' },
    { fileName: 'b.bin', contentType: null },
  ])
})

test('an attachment without a name is kept, and nothing in its place is passed over', (t) => {
  const attachments = [null, { id: 5 }, { id: 6, file_name: null, content_type: 'image/png' }]

  const read = collect(commentsJson([commentJson({ attachments })]))

  t.deepEqual(read.comments[0]?.attachments, [
    { fileName: '', contentType: null },
    { fileName: '', contentType: 'image/png' },
  ])
})

test('a telephone number may be written as a number', (t) => {
  const call = commentJson({ plain_body: 'Call from 15550100200', data: { from: 15550100200 } })

  t.is(collect(commentsJson([call])).comments[0]?.text, 'Call from')
})

test('the comment of a phone call is read without its numbers', (t) => {
  const call = commentJson({
    type: 'VoiceComment',
    plain_body: 'Call from +1 (555) 010-0200',
    data: {
      from: '+15550100200',
      to: '+15550100300',
      recording_url: null,
      transcription_text: 'It fails',
      call_duration: 61,
      answered_by_id: 8,
    },
    formatted_from: '+1 (555) 010-0200',
    formatted_to: '+1 (555) 010-0300',
    transcription_visible: true,
  })

  t.is(collect(commentsJson([call])).comments[0]?.text, 'Call from \n\nIt fails')
})

test('a comment on two pages is read once, in its later copy', (t) => {
  const read = collect(
    commentsJson([commentJson({ id: 1 }), commentJson({ id: 2 })]),
    commentsJson([commentJson({ id: 2, plain_body: '▇▇▇' }), commentJson({ id: 3 })]),
  )

  t.deepEqual(
    read.comments.map(({ id, text }) => [id, text]),
    [
      [1, 'Hello there'],
      [2, '▇▇▇'],
      [3, 'Hello there'],
    ],
  )
})

test('a comment that is private on either of two pages is private', (t) => {
  const pages = [commentsJson([commentJson()]), commentsJson([privateCommentJson({ id: 911 })])]

  for (const order of [pages, pages.toReversed()]) {
    const read = collect(...order)
    t.deepEqual(read.comments, [])
    t.is(read.privateCount, 1)
  }
})

test('a ticket that is gone has no page, one that is forbidden is unreadable', (t) => {
  t.is(readCommentsPage({ kind: 'missing' }, ticketId), null)
  t.throws(() => readCommentsPage({ kind: 'forbidden' }, ticketId), {
    instanceOf: TicketUnreadableError,
  })
  t.throws(() => readCommentsPage({ kind: 'invalid', status: 400, isTooRecent: false }, ticketId), {
    instanceOf: TicketUnreadableError,
  })
})

test('an answer without comments halts', (t) => {
  t.throws(() => pageOf({ users: [] }), { instanceOf: ZendeskShapeError, message: /comments/ })
})

test('a full page that does not say whether it is the last halts, any other one is the last', (t) => {
  const comments = Array.from({ length: 100 }, (_, id) => commentJson({ id }))
  const full = commentsJson(comments, { meta: undefined })
  const part = commentsJson(comments.slice(1), { meta: undefined })

  t.throws(() => pageOf(full), { instanceOf: ZendeskShapeError, message: /meta/ })
  t.is(nextPosition(pageOf(part), { kind: 'first' }, ticketId), null)
})

test('the last page is known by has_more, whatever the cursor and links say', (t) => {
  t.is(nextPosition(pageOf(commentsJson([])), { kind: 'first' }, ticketId), null)
})

test('the next page is asked for by the cursor', (t) => {
  const page = pageOf(commentsJson([], { meta: { has_more: true, after_cursor: 'a+b' } }))

  const next = nextPosition(page, { kind: 'first' }, ticketId)

  t.deepEqual(next, { kind: 'cursor', after: 'a+b' })
  t.is(
    commentsPath(ticketId, { kind: 'cursor', after: 'a+b' }),
    '/api/v2/tickets/42/comments.json?page[size]=100&page[after]=a%2Bb&sort=created_at&include=users',
  )
})

test('a cursor that is missing halts while there are more pages', (t) => {
  const position = { kind: 'cursor', after: 'same' } as const
  for (const after_cursor of [null, undefined, '']) {
    const page = pageOf(commentsJson([], { meta: { has_more: true, after_cursor } }))
    t.throws(() => nextPosition(page, position, ticketId), { instanceOf: ZendeskShapeError })
  }
})

test('a page that came again is asked for again, and halts when it comes a third time', (t) => {
  t.notThrows(() => assertEnds(ticketId, { pages: 499, repeats: 2 }))
  t.throws(() => assertEnds(ticketId, { pages: 2, repeats: 3 }), {
    instanceOf: ZendeskShapeError,
  })
  t.throws(() => assertEnds(ticketId, { pages: 500, repeats: 0 }), {
    instanceOf: TicketUnreadableError,
  })
})

test('numbered pages of another size than asked for are read from the first one again', (t) => {
  const numbered = { comments: [commentJson()], next_page: 'https://elsewhere.example/?page=2' }

  const next = nextPosition(pageOf(numbered), { kind: 'first' }, ticketId)

  t.deepEqual(next, { kind: 'numbered', page: 1 })
})

test('numbered pages are followed by number, not by their link', (t) => {
  const comments = Array.from({ length: 100 }, (_, id) => commentJson({ id }))
  const numbered = { comments, next_page: 'https://elsewhere.example/?page=7', count: 201 }
  const last = { ...numbered, next_page: null }

  const second = nextPosition(pageOf(numbered), { kind: 'first' }, ticketId)
  const third = nextPosition(pageOf(numbered), { kind: 'numbered', page: 2 }, ticketId)

  t.deepEqual(second, { kind: 'numbered', page: 2 })
  t.deepEqual(third, { kind: 'numbered', page: 3 })
  t.is(nextPosition(pageOf(last), { kind: 'numbered', page: 3 }, ticketId), null)
  t.is(
    commentsPath(ticketId, { kind: 'numbered', page: 2 }),
    '/api/v2/tickets/42/comments.json?per_page=100&page=2&sort_order=asc&include=users',
  )
})
