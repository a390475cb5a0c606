import test from 'ava'
import { decide, judge, ledgerOf } from '../../../src/reconcile/settle/decide.ts'
import {
  cutBySize,
  newestInstant,
  newestRows,
  toEntries,
  toTicketRow,
} from '../../../src/reconcile/page.ts'
import { IntegrationId, TicketId } from '../../../src/ids.ts'
import { unaccounted } from '../../../src/run/ledger.ts'
import { fingerprint } from '../../../src/ticket/fingerprint.ts'
import type { KnownTicket } from '../../../src/ticket/store.ts'
import type { ExportedTicket } from '../../../src/zendesk/types.ts'
import { aComment, aTicket, at, commentsRead } from '../../support/zendesk-rows.ts'

const filters = { includeTags: [], excludeTags: [], includeGroupIds: [] }
const terms = { filters, setAsideSince: null, isLook: false, isCareful: false }
const integrationId = IntegrationId.parse('0190c8a4-0000-7000-8000-000000000000')

function known(fields: Partial<KnownTicket> = {}, ticket = aTicket()): KnownTicket {
  const { id, generatedAt, updatedAt } = ticket
  return {
    ticketId: id,
    generatedAt,
    updatedAt,
    status: ticket.status,
    tags: ticket.tags,
    groupId: ticket.groupId,
    fingerprint: fingerprint(ticket),
    commentCount: ticket.commentCount,
    outcome: 'published',
    reason: null,
    settledAt: earlier,
    transcript: null,
    ...fields,
  }
}

const live = { revision: 3, isLive: true, contentHash: 'sha256:old' }
const earlier = at('2026-01-01T12:00:00Z')

test('a ticket that was never seen needs its comments', (t) => {
  t.deepEqual(judge(aTicket(), undefined, terms), { kind: 'comments needed' })
})

test('a ticket without any public comment by its row costs no request', (t) => {
  const ticket = aTicket({ isPublic: false })

  const verdict = judge(ticket, undefined, terms)

  t.deepEqual(verdict, {
    kind: 'settled',
    change: { kind: 'no_public_comments', ticket, retraction: null },
  })
})

test('a ticket whose row does not say whether it is public needs its comments', (t) => {
  const verdict = judge(aTicket({ isPublic: null }), undefined, terms)

  t.is(verdict.kind, 'comments needed')
})

for (const status of ['deleted', 'DELETED']) {
  test(`a ticket with status ${status} is gone, and its live transcript is taken back`, (t) => {
    const ticket = aTicket({ status })

    const verdict = judge(ticket, known({ transcript: live, generatedAt: earlier }), terms)

    t.deepEqual(verdict, {
      kind: 'settled',
      change: { kind: 'gone', ticket, retraction: { revision: 4, reason: 'deleted' } },
    })
  })
}

test('a ticket that left the filters is taken back once', (t) => {
  const excluding = { ...terms, filters: { ...filters, excludeTags: ['billing'] } }
  const retracted = { ...live, isLive: false }

  const first = judge(aTicket(), known({ transcript: live }), excluding)
  const second = judge(aTicket(), known({ transcript: retracted, outcome: 'filtered' }), excluding)

  t.like(first, { change: { kind: 'filtered', retraction: { revision: 4, reason: 'filtered' } } })
  t.like(second, { change: { kind: 'unchanged', outcome: 'filtered' } })
})

test('a repeated row of a settled ticket is unchanged', (t) => {
  t.like(judge(aTicket(), known(), terms), { change: { kind: 'unchanged' } })
})

for (const status of ['open', 'deleted']) {
  test(`a row from before what we know is unchanged, also if it is ${status}`, (t) => {
    const newer = known({ transcript: live, generatedAt: at('2026-02-01T00:00:00Z') })

    t.like(judge(aTicket({ status }), newer, terms), { change: { kind: 'unchanged' } })
  })
}

test('a repeated row of what its row alone decided is no news', (t) => {
  const deletedRow = aTicket({ status: 'deleted' })
  const privateRow = aTicket({ isPublic: false })
  const deleted = judge(deletedRow, known({ outcome: 'gone' }, deletedRow), terms)
  const wasPrivate = known({ outcome: 'no_public_comments' }, privateRow)
  const isPrivate = judge(privateRow, wasPrivate, terms)

  t.like(deleted, { change: { kind: 'unchanged', outcome: 'gone' } })
  t.like(isPrivate, { change: { kind: 'unchanged', outcome: 'no_public_comments' } })
})

test('what this run has set aside is not tried again before the next run', (t) => {
  const setAside = known({ outcome: 'quarantined', reason: 'unreadable', settledAt: earlier })
  const thisRun = { ...terms, setAsideSince: earlier }
  const nextRun = { ...terms, setAsideSince: earlier.plus(1) }

  t.like(judge(aTicket(), setAside, thisRun), {
    change: { kind: 'unchanged', outcome: 'quarantined', reason: 'unreadable' },
  })
  t.is(judge(aTicket(), setAside, nextRun).kind, 'comments needed')
})

for (const outcome of ['filtered', 'quarantined'] as const) {
  test(`a repeated row of a ${outcome} ticket is read again`, (t) => {
    t.is(judge(aTicket(), known({ outcome }), terms).kind, 'comments needed')
  })
}

test('a ticket that only moved in the export is unchanged, and its row moves along', (t) => {
  const verdict = judge(aTicket(), known({ generatedAt: earlier }), terms)

  t.like(verdict, { kind: 'settled', change: { kind: 'unchanged', ticket: aTicket() } })
})

const news: readonly Partial<ExportedTicket>[] = [
  { updatedAt: at('2026-01-02T00:00:01Z') },
  { updatedAt: at('2026-01-01T23:59:59Z') },
  { commentCount: 2 },
  { commentCount: null },
  { subject: 'Another one' },
  { status: 'solved' },
  { tags: ['billing', 'vip'] },
  { groupId: 8 },
  { priority: 'high' },
  { isPublic: null },
]
for (const fields of news) {
  test(`a ticket is read again that moved in ${JSON.stringify(fields)}`, (t) => {
    const verdict = judge(aTicket(fields), known({ generatedAt: earlier }), terms)

    t.is(verdict.kind, 'comments needed')
  })
}

test('a fresh row is like no other, and is read again when the export shows it', (t) => {
  const verdict = judge(aTicket(), known({}, aTicket({ isFresh: true })), terms)

  t.is(verdict.kind, 'comments needed')
})

test('the order of tags is no news', (t) => {
  const tags = ['a', 'b']

  t.is(fingerprint(aTicket({ tags })), fingerprint(aTicket({ tags: tags.toReversed() })))
})

test('the first public comments make revision 1', (t) => {
  const change = decide(aTicket(), undefined, commentsRead([aComment()]))

  t.like(change, { kind: 'published', revision: 1 })
})

test('equal content is unchanged, other content is the next revision', (t) => {
  const read = commentsRead([aComment()])
  const first = decide(aTicket(), undefined, read)
  const contentHash = first.kind === 'published' ? first.contentHash : ''
  const stored = known({ transcript: { revision: 1, isLive: true, contentHash } })

  const same = decide(aTicket(), stored, read)
  const other = decide(aTicket(), stored, commentsRead([aComment({ text: 'Other' })]))

  t.like(same, { kind: 'unchanged', outcome: 'published' })
  t.like(other, { kind: 'published', revision: 2 })
})

test('a retracted transcript comes back as a new revision, also with equal content', (t) => {
  const read = commentsRead([aComment()])
  const first = decide(aTicket(), undefined, read)
  const contentHash = first.kind === 'published' ? first.contentHash : ''

  const change = decide(
    aTicket(),
    known({ transcript: { revision: 2, isLive: false, contentHash } }),
    read,
  )

  t.like(change, { kind: 'published', revision: 3 })
})

test('when the last public comment is gone, the transcript is taken back', (t) => {
  const change = decide(aTicket(), known({ transcript: live }), commentsRead([]))

  t.like(change, {
    kind: 'no_public_comments',
    retraction: { revision: 4, reason: 'no_public_comments' },
  })
})

test('a 404 of the comments means gone', (t) => {
  const change = decide(aTicket(), known({ transcript: live }), null)

  t.like(change, { kind: 'gone', retraction: { revision: 4, reason: 'deleted' } })
})

test('the ledger of any changes closes', (t) => {
  const ticket = aTicket()
  const ledger = ledgerOf([
    { kind: 'unchanged', ticket, outcome: 'published', reason: null },
    decide(ticket, undefined, commentsRead([aComment()])),
    decide(ticket, known({ transcript: live }), null),
    { kind: 'filtered', ticket, retraction: null },
    { kind: 'no_public_comments', ticket, retraction: null },
    { kind: 'quarantined', ticket, reason: 'unreadable' },
  ])

  t.is(unaccounted(ledger), 0)
  t.like(ledger, { seen: 6, published: 1, gone: 1, retracted: 1, quarantined: 1 })
  t.is(unaccounted({ ...ledger, seen: 7 }), 7 - ledger.seen)
})

const published = (id: number, bytes: number) =>
  decide(
    aTicket({ id: TicketId.parse(id) }),
    undefined,
    commentsRead([aComment({ text: 'x'.repeat(bytes) })]),
  )

test('a ticket with more text than a row can hold is set aside', (t) => {
  const text = 'x'.repeat(50_000_000)
  const comments = [1, 2, 3, 4, 5].map((id) => aComment({ id, text }))

  const change = decide(aTicket(), undefined, commentsRead(comments))

  t.like(change, { kind: 'quarantined', reason: 'its public comments are more than 250 MB' })
})

test('changes are stored in portions of a bounded size, in their order', (t) => {
  const [small, large, huge] = [published(1, 10), published(2, 9_000_000), published(3, 20_000_000)]

  t.deepEqual(cutBySize([]), [[]])
  t.deepEqual(cutBySize([small, large, small]), [[small, large, small]])
  t.deepEqual(cutBySize([large, large, huge, small]), [[large], [large], [huge], [small]])
})

test('of a ticket that stands on a page twice the newest row counts', (t) => {
  const older = aTicket({ status: 'open' })
  const newer = aTicket({ status: 'solved', generatedAt: at('2026-01-03T00:00:00Z') })

  t.deepEqual(newestRows([older, newer]), [newer])
  t.deepEqual(newestRows([newer, older]), [newer])
  t.deepEqual(newestInstant([newer, older]), newer.generatedAt.toJSDate())
  t.is(newestInstant([]), null)
})

test('entries are in ticket order and hold publications and retractions only', (t) => {
  const ticket = (id: number) => aTicket({ id: TicketId.parse(id) })
  const entries = toEntries(integrationId, [
    decide(ticket(3), undefined, commentsRead([aComment()])),
    { kind: 'unchanged', ticket: ticket(2), outcome: 'published', reason: null },
    { kind: 'gone', ticket: ticket(1), retraction: { revision: 2, reason: 'deleted' } },
    { kind: 'gone', ticket: ticket(4), retraction: null },
  ])

  t.deepEqual(
    entries.map(({ type, ticketId, revision }) => [type, Number(ticketId), revision]),
    [
      ['transcript.retracted', 1, 2],
      ['transcript.published', 3, 1],
    ],
  )
})

test('a quarantined ticket keeps its reason, an unchanged one its outcome', (t) => {
  const ticket = aTicket()

  t.like(toTicketRow({ kind: 'quarantined', ticket, reason: 'why' }), {
    outcome: 'quarantined',
    reason: 'why',
  })
  t.like(toTicketRow({ kind: 'unchanged', ticket, outcome: 'quarantined', reason: 'why' }), {
    outcome: 'quarantined',
    reason: 'why',
  })
})

test('what is imported again is read unless it was settled since then', (t) => {
  const again = { ...terms, isCareful: true, settledFrom: at('2026-04-02T00:00:00Z') }
  const before = known({ settledAt: at('2026-04-01T00:00:00Z') })
  const since = known({ settledAt: at('2026-04-02T00:00:01Z') })

  t.is(judge(aTicket(), before, again).kind, 'comments needed')
  t.like(judge(aTicket(), since, again), { change: { kind: 'unchanged' } })
})
