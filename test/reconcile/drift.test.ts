import test from 'ava'
import { isDrifting, isSampled } from '../../src/reconcile/settle/drift.ts'
import { RunId, TicketId } from '../../src/ids.ts'

const run = RunId.parse('11111111-1111-4111-8111-111111111111')
const ids = Array.from({ length: 20_000 }, (_, index) => TicketId.parse(index + 1))

test('a run samples about its share of the tickets, the same each time', (t) => {
  const sampled = ids.filter((id) => isSampled(run, id, 0.01))

  t.true(sampled.length > 150 && sampled.length < 250, `${sampled.length}`)
  t.deepEqual(
    ids.filter((id) => isSampled(run, id, 0.01)),
    sampled,
  )
})

test('another run samples other tickets', (t) => {
  const other = RunId.parse('22222222-2222-4222-8222-222222222222')
  const both = ids.filter((id) => isSampled(run, id, 0.01) && isSampled(other, id, 0.01))

  t.true(both.length < 20)
})

test('a share of nothing samples nothing, a share of one everything', (t) => {
  t.false(ids.some((id) => isSampled(run, id, 0)))
  t.true(ids.every((id) => isSampled(run, id, 1)))
})

test('one odd ticket is an accident, two in less than two thousand are drift', (t) => {
  t.false(isDrifting({ sampled: 3, found: 1 }))
  t.true(isDrifting({ sampled: 3, found: 2 }))
  t.true(isDrifting({ sampled: 1_999, found: 2 }))
  t.false(isDrifting({ sampled: 2_000, found: 2 }))
})
