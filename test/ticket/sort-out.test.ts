import test from 'ava'
import type { TicketOutcome } from '../../db/schema.ts'
import { type Move, moveOf } from '../../src/ticket/sort-out.ts'
import { filterOf } from '../../src/workspace/filter.ts'

const trace = filterOf({ includeTags: [], excludeTags: ['vip'], includeGroupIds: [] })

const table: readonly (readonly [outcome: TicketOutcome, inside: Move | null, out: Move | null])[] =
  [
    ['published', null, 'leaves'],
    ['no_public_comments', null, 'leaves'],
    ['quarantined', null, 'leaves'],
    ['filtered', 'enters', null],
    ['gone', null, null],
  ]

for (const [outcome, inside, out] of table) {
  test(`what filters move of tickets that are ${outcome}`, (t) => {
    const plain = { outcome, tags: [], groupId: null }
    const vip = { outcome, tags: ['VIP'], groupId: null }

    t.is(moveOf(plain, trace(plain)), inside)
    t.is(moveOf(vip, trace(vip)), out)
  })
}
