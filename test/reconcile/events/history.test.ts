import test from 'ava'
import type { DateTime } from 'luxon'
import { asRead, canBeWhole, commentsOf, newEvents } from '../../../src/reconcile/events/history.ts'
import { type StagedEvent, toStaged } from '../../../src/reconcile/events/staged.ts'
import type { KnownTicket } from '../../../src/ticket/store.ts'
import { buildTranscript } from '../../../src/transcript/build-transcript.ts'
import { aComment, aTicket, at, commentsRead } from '../../support/zendesk-rows.ts'

const since = at('2026-01-01T00:00:00Z')

const aKnown = (fields: Partial<KnownTicket> = {}): KnownTicket => ({
  ticketId: aTicket().id,
  generatedAt: at('2026-01-01T12:00:00Z'),
  updatedAt: at('2026-01-01T12:00:00Z'),
  status: 'open',
  tags: [],
  groupId: null,
  fingerprint: 'print',
  commentCount: 1,
  outcome: 'published',
  reason: null,
  settledAt: at('2026-01-01T13:00:00Z'),
  transcript: { revision: 1, isLive: true, contentHash: 'sha256:1' },
  ...fields,
})

const anEvent = (fields: Partial<StagedEvent> = {}): StagedEvent => ({
  ticketId: aTicket().id,
  at: at('2026-01-02T00:00:00Z'),
  commentCount: 1,
  mustConfirm: false,
  comments: [toStaged(aComment())],
  ...fields,
})

const whole = test.macro({
  exec: (
    t,
    given: { created?: DateTime; count?: number | null; known?: KnownTicket },
    expected: boolean,
  ) => {
    const { created = since, count = 1, known } = given
    const ticket = aTicket({ createdAt: created, commentCount: count })
    t.is(canBeWhole(ticket, known, since), expected)
  },
  title: (given = '') => given,
})
const before = at('2025-12-31T23:59:59Z')
test('a new ticket is whole that was created since', whole, {}, true)
test('one that is older is not', whole, { created: before }, false)
test('one whose comments nobody counts is not', whole, { count: null }, false)
test('a stored one goes on, however old', whole, { created: before, known: aKnown() }, true)
test(
  'one that was settled about the time at which the stream begins does not',
  whole,
  { known: aKnown({ settledAt: at('2026-01-01T00:30:00Z') }) },
  false,
)
test(
  'one without public comments goes on',
  whole,
  { known: aKnown({ outcome: 'no_public_comments', transcript: null }) },
  true,
)
for (const outcome of ['filtered', 'gone', 'quarantined'] as const) {
  test(`one that is ${outcome} does not`, whole, { known: aKnown({ outcome }) }, false)
}
test('one that was not counted does not', whole, { known: aKnown({ commentCount: null }) }, false)

test('events explain a row if they wrote as many comments as it counts', (t) => {
  const ticket = aTicket({ commentCount: 2 })
  const two = [anEvent(), anEvent({ commentCount: 1, comments: [] })]

  t.is(newEvents(ticket, undefined, two)?.length, 2)
  t.is(newEvents(ticket, undefined, [anEvent()]), undefined)
  t.is(newEvents(ticket, aKnown(), [anEvent()])?.length, 1)
  t.is(newEvents(ticket, aKnown(), two), undefined)
})

test('a row that no event explains is not explained', (t) => {
  t.is(newEvents(aTicket(), aKnown(), []), undefined)
  t.is(newEvents(aTicket(), aKnown(), [anEvent({ at: aKnown().generatedAt })]), undefined)
})

test('events that end before the last change of a ticket do not explain it', (t) => {
  const ticket = aTicket({ commentCount: 2 })
  const early = anEvent({ at: ticket.updatedAt.minus({ minutes: 1 }) })

  t.is(newEvents(ticket, undefined, [early, early]), undefined)
  t.is(newEvents(ticket, undefined, [early, anEvent({ at: ticket.updatedAt })])?.length, 2)
})

test('the only comment of a public ticket is public', (t) => {
  const early = anEvent({ at: aTicket().updatedAt.minus({ minutes: 1 }) })

  t.is(newEvents(aTicket({ commentCount: 1, isPublic: true }), undefined, [early])?.length, 1)
  t.is(newEvents(aTicket({ commentCount: 1, isPublic: null }), undefined, [early]), undefined)
})

test('one event that has to be confirmed is enough', (t) => {
  const events = [anEvent(), anEvent({ commentCount: 0, mustConfirm: true, comments: [] })]

  t.is(newEvents(aTicket(), undefined, events), undefined)
})

test('a comment that is younger than the row is taken along and not counted', (t) => {
  const later = anEvent({ at: aTicket().generatedAt.plus({ seconds: 1 }) })

  t.is(newEvents(aTicket({ commentCount: 1 }), undefined, [anEvent(), later])?.length, 2)
})

test('stored turns and new events make the transcript that one reading makes', (t) => {
  const attachments = [{ fileName: 'a.png', contentType: null }]
  const comments = [
    aComment({ id: 1, authorId: 5, attachments }),
    aComment({ id: 2, authorId: 9, at: at('2026-01-01T10:00:00Z') }),
    aComment({ id: 3, authorId: -1, at: at('2026-01-01T11:00:00Z') }),
    aComment({ id: 4, authorId: 6, at: at('2026-01-02T00:00:00Z') }),
    aComment({ id: 5, authorId: 5, at: at('2026-01-02T00:00:00Z') }),
  ]
  const atOnce = buildTranscript(aTicket(), commentsRead(comments, [9]))
  const { turns } = buildTranscript(aTicket(), commentsRead(comments.slice(0, 3), [9]))
  const fresh = [anEvent({ comments: comments.slice(2).map(toStaged) })]

  const read = asRead(commentsOf(turns, fresh), new Set([9, 10]))

  t.deepEqual(buildTranscript(aTicket(), read), atOnce)
})
