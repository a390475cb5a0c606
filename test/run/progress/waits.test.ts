import test from 'ava'
import {
  Waits,
  addShortWaits,
  beginWait,
  endWait,
  openWait,
} from '../../../src/run/progress/waits.ts'
import { at } from '../../support/zendesk-rows.ts'

const none = Waits.parse({})
const minute = (n: number) => at('2026-01-01T00:00:00Z').plus({ minutes: n })
const limit = { reason: 'the account asks to wait', boundedBy: 'zendesk_limit' } as const

test('a wait is open until the run goes on, and then as long as it was', (t) => {
  const begun = beginWait(none, { ...limit, from: minute(0), until: minute(2) })
  t.like(openWait(begun), { until: '2026-01-01T00:02:00.000Z', ms: null })
  t.is(begun.heldMs.zendesk_limit, 0)

  const ended = endWait(begun, minute(3))

  t.is(openWait(ended), undefined)
  t.like(ended.last[0], { until: '2026-01-01T00:03:00.000Z', ms: 180_000 })
  t.deepEqual(ended.heldMs, { zendesk_limit: 180_000, quota_share: 0, database: 0 })
  t.is(ended.failedMs, 0)
  t.deepEqual(endWait(ended, minute(9)), ended)
})

test('what is waited after a failure is bound by nothing', (t) => {
  const failed = { reason: 'Zendesk answers 503', boundedBy: null }
  const waits = endWait(
    beginWait(none, { ...failed, from: minute(0), until: minute(1) }),
    minute(1),
  )

  t.is(waits.failedMs, 60_000)
  t.deepEqual(waits.heldMs, none.heldMs)
})

test('a clock that went back makes no wait shorter than nothing', (t) => {
  const begun = beginWait(none, { ...limit, from: minute(5), until: minute(6) })

  t.is(endWait(begun, minute(4)).heldMs.zendesk_limit, 0)
})

test('the last twenty waits are kept, and the sum of all', (t) => {
  let waits = none
  for (let n = 0; n < 50; n++) {
    waits = endWait(
      beginWait(waits, { ...limit, from: minute(n), until: minute(n) }),
      minute(n + 1),
    )
  }
  waits = addShortWaits(waits, { zendesk_limit: 0, quota_share: 500, database: 20 })

  t.is(waits.last.length, 20)
  t.is(waits.last[0]?.from, '2026-01-01T00:30:00.000Z')
  t.deepEqual(waits.heldMs, { zendesk_limit: 3_000_000, quota_share: 500, database: 20 })
  t.deepEqual(Waits.parse(JSON.parse(JSON.stringify(waits))), waits)
})
