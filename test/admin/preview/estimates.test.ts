import test from 'ava'
import type { DateTime } from 'luxon'
import { costOfFetching, costOfWindow, minutesOf } from '../../../src/admin/preview/cost.ts'
import { EMPTY_TALLY, addToTally } from '../../../src/admin/preview/tally.ts'
import { tallyWindow } from '../../../src/admin/preview/window.ts'
import { TicketId } from '../../../src/ids.ts'
import { filterOf } from '../../../src/workspace/filter.ts'
import type { ExportedTicket, TicketPage } from '../../../src/zendesk/types.ts'
import { aTicket, at } from '../../support/zendesk-rows.ts'

const all = filterOf({ includeTags: [], excludeTags: [], includeGroupIds: [] })
const noVip = filterOf({ includeTags: [], excludeTags: ['vip'], includeGroupIds: [] })
const from = at('2026-01-01T00:00:00Z')
const until = from.plus({ days: 100 })

function row(id: number, day: number, fields: Partial<ExportedTicket> = {}): ExportedTicket {
  return aTicket({ id: TicketId.parse(id), generatedAt: from.plus({ days: day }), ...fields })
}

function page(tickets: readonly ExportedTicket[], endOfStream = false): TicketPage {
  return { tickets, afterCursor: 'next', endOfStream, pageSize: 1_000 }
}

type Row = readonly [
  name: string,
  page: TicketPage,
  expected: { tickets: number; toFetch: number; excluded: number; isEstimated: boolean },
]
const vip = { tags: ['VIP'] }
const table: readonly Row[] = [
  ['an empty export', page([], true), of(0, 0, 0, false)],
  ['a page that ends the stream', page([row(1, 1), row(2, 90)], true), of(2, 2, 0, false)],
  ['a page that reaches the stored part', page([row(1, 1), row(2, 100)]), of(1, 1, 0, false)],
  ['a page of a tenth of the window', page([row(1, 1), row(2, 10)]), of(20, 20, 0, true)],
  [
    'a quarter kept out',
    page([1, 2, 3].map((n) => row(n, n)).concat(row(4, 50, vip))),
    of(8, 6, 2, true),
  ],
  ['deleted rows', page([row(1, 1, { status: 'deleted' }), row(2, 50)]), of(2, 2, 0, true)],
  [
    'rows without public comments',
    page([row(1, 1, { isPublic: false }), row(2, 50)]),
    of(4, 2, 0, true),
  ],
  ['a ticket that stands there twice', page([row(1, 1), row(1, 50)]), of(2, 2, 0, true)],
]

function of(tickets: number, toFetch: number, excluded: number, isEstimated: boolean) {
  return { tickets, toFetch, excluded, isEstimated }
}

for (const [name, given, expected] of table) {
  test(`a longer window: ${name}`, (t) => {
    const { keptOut, found: _, ...counts } = tallyWindow(given, { from, until }, noVip)

    t.deepEqual({ ...counts, excluded: keptOut.exclude_tags }, expected)
  })
}

test('rows of one second make no window without end', (t) => {
  const start: DateTime = from
  const { tickets } = tallyWindow(page([row(1, 0), row(2, 0)]), { from: start, until }, all)

  t.is(tickets, 2 * 100 * 86_400)
})

test('stored tickets are counted by what the filters would do with them', (t) => {
  const ticket = (id: number, fields: object) => ({
    ticketId: TicketId.parse(id),
    tags: [] as string[],
    groupId: null,
    outcome: 'published' as const,
    isLive: true,
    ...fields,
  })
  const tally = addToTally(
    EMPTY_TALLY,
    [
      ticket(1, {}),
      ticket(2, { tags: ['vip'] }),
      ticket(3, { tags: ['vip'], outcome: 'filtered', isLive: false }),
      ticket(4, { outcome: 'filtered', isLive: false }),
      ticket(5, { outcome: 'no_public_comments', isLive: false, tags: ['vip'] }),
      ticket(6, { outcome: 'gone', isLive: false, tags: ['vip'] }),
      ticket(7, { outcome: 'quarantined' }),
    ],
    noVip,
  )

  t.like(tally, { known: 6, toFetch: 1, toRetract: 1, entering: [4], staying: [1, 7] })
  t.is(tally.keptOut.exclude_tags, 3)
})

test('the newest candidates of many pages are kept', (t) => {
  const tickets = Array.from({ length: 40 }, (_, index) => ({
    ticketId: TicketId.parse(index + 1),
    tags: [],
    groupId: null,
    outcome: 'filtered' as const,
    isLive: false,
  }))
  const first = addToTally(EMPTY_TALLY, tickets.slice(0, 38), all)
  const tally = addToTally(first, tickets.slice(38), all)

  t.is(tally.toFetch, 40)
  t.deepEqual([...tally.entering].map(Number), [35, 36, 37, 38, 39, 40])
})

test('requests and minutes follow from the limits', (t) => {
  t.deepEqual(costOfFetching(0), { account: 0, incremental: 0, comments: 0 })
  t.deepEqual(costOfFetching(412), { account: 5, incremental: 0, comments: 412 })
  const window = costOfWindow({ tickets: 20_500, toFetch: 100 })
  t.deepEqual(window, { account: 0, incremental: 21, comments: 100 })
  t.is(minutesOf(costOfFetching(412), { account: 200, incremental: 5 }), 2.1)
  t.is(minutesOf(window, { account: 200, incremental: 5 }), 4.2)
  t.is(minutesOf(costOfFetching(0), { account: 200, incremental: 5 }), 0)
})
