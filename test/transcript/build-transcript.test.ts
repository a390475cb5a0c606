import test from 'ava'
import { buildTranscript } from '../../src/transcript/build-transcript.ts'
import { contentHash } from '../../src/transcript/content-hash.ts'
import { StoredTicket, StoredTurn } from '../../src/transcript/transcript.ts'
import { aComment, aTicket, at, commentsRead } from '../support/zendesk-rows.ts'

const staff = [9]

test('turns are in order of time, then of comment id', (t) => {
  const read = commentsRead([
    aComment({ id: 3, at: at('2026-01-01T00:00:02Z') }),
    aComment({ id: 2, at: at('2026-01-01T00:00:01Z') }),
    aComment({ id: 1, at: at('2026-01-01T00:00:01Z') }),
  ])

  const { turns } = buildTranscript(aTicket(), read)

  t.deepEqual(
    turns.map((turn) => turn.comment_id),
    [1, 2, 3],
  )
})

test('speakers are numbered by role in order of first appearance', (t) => {
  const authors = [1, 9, 2, 1, -1, null, 9]
  const read = commentsRead(
    authors.map((authorId, index) => aComment({ id: index + 1, authorId })),
    staff,
  )

  const { turns } = buildTranscript(aTicket(), read)

  t.deepEqual(
    turns.map((turn) => turn.speaker),
    ['customer-1', 'agent-1', 'customer-2', 'customer-1', 'system-1', 'system-2', 'agent-1'],
  )
  t.deepEqual(
    turns.map((turn) => turn.role),
    ['customer', 'agent', 'customer', 'customer', 'system', 'system', 'agent'],
  )
})

test('an author whom nobody knows any more is a customer', (t) => {
  const { turns } = buildTranscript(aTicket(), commentsRead([aComment({ authorId: 12345 })], staff))

  t.is(turns[0]?.role, 'customer')
})

test('instants are UTC with whole seconds, whatever the zone they were read in', (t) => {
  const ticket = aTicket({ createdAt: at('2026-01-01T00:00:00.999Z').setZone('Asia/Tokyo') })

  const transcript = buildTranscript(ticket, commentsRead([aComment()]))

  t.is(transcript.ticket.created_at, '2026-01-01T00:00:00Z')
})

test('what is built is what the stored shapes accept', (t) => {
  const attachments = [{ fileName: 'a.png', contentType: 'image/png' }]

  const { ticket, turns } = buildTranscript(aTicket(), commentsRead([aComment({ attachments })]))

  t.deepEqual(StoredTicket.parse(ticket), ticket)
  t.deepEqual(
    turns.map((turn) => StoredTurn.parse(turn)),
    [...turns],
  )
})

test('equal content has an equal hash, also when only updated_at or the order of tags moved', (t) => {
  const read = commentsRead([aComment()])
  const before = buildTranscript(aTicket({ tags: ['a', 'b'] }), read)
  const later = aTicket({ tags: ['b', 'a'], updatedAt: at('2026-03-01T00:00:00Z') })

  t.is(contentHash(buildTranscript(later, read)), contentHash(before))
})

const changes = {
  subject: [aTicket({ subject: 'Another' }), aComment()],
  status: [aTicket({ status: 'solved' }), aComment()],
  tags: [aTicket({ tags: [] }), aComment()],
  group: [aTicket({ groupId: null }), aComment()],
  text: [aTicket(), aComment({ text: 'It ▇▇▇' })],
  attachment: [aTicket(), aComment({ attachments: [{ fileName: 'r.txt', contentType: null }] })],
  comment: [aTicket(), aComment({ id: 912 })],
} as const

for (const [what, [ticket, comment]] of Object.entries(changes)) {
  test(`a change of ${what} changes the hash`, (t) => {
    const before = buildTranscript(aTicket(), commentsRead([aComment()]))

    const after = buildTranscript(ticket, commentsRead([comment]))

    t.not(contentHash(after), contentHash(before))
    t.regex(contentHash(after), /^sha256:[0-9a-f]{64}$/)
  })
}
