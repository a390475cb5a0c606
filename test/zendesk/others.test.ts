import test from 'ava'
import { capOf } from '../../src/zendesk/budget/family.ts'
import { noticeOthers, othersPerMinute } from '../../src/zendesk/budget/others.ts'
import { WINDOW_SLOTS, type Window, grant, moveTo } from '../../src/zendesk/budget/window.ts'

const emptyWindow: Window = { slot: 0, granted: [], others: [] }
const MINUTE = 60_000
const SLOT = 500
/** Forty seconds into a minute. */
const NOW = Date.UTC(2026, 0, 1) + 40_000

/** A window in which we were granted one permit in each slot of the last half minute. */
const ours: Window = {
  ...moveTo(emptyWindow, NOW, MINUTE),
  granted: Array.from({ length: WINDOW_SLOTS }, (_, index) => (index < 60 ? 1 : 0)),
}

const sees = test.macro({
  title: (title) => `${title}`,
  exec: (t, window: Window, sight: { used: number; resetMs?: number }, perMinute: number) => {
    const seen = noticeOthers(
      window,
      { resetMs: 20_000, ...sight, sentAtMs: NOW - 200, receivedAtMs: NOW },
      MINUTE,
    )

    t.is(othersPerMinute(seen.others), perMinute)
  },
})

test('what we spent ourselves is nobody else’s', sees, ours, { used: 60 }, 0)
test('less than we were granted is nobody’s', sees, ours, { used: 12 }, 0)
test('more remaining than the limit is nobody’s', sees, ours, { used: -300 }, 0)
test('the rest is that of others, at the pace of what was seen', sees, ours, { used: 140 }, 119)
test('a reset of zero is none', sees, ours, { used: 60, resetMs: 0 }, 0)
test('a huge reset is none', sees, ours, { used: 60, resetMs: 1e12 }, 0)
test(
  'of what was spent before the minute began nothing counts',
  sees,
  { ...ours, granted: ours.granted.toReversed() },
  { used: 8, resetMs: 55_000 },
  80,
)

const sightAt = (atMs: number, used: number) => ({
  used,
  resetMs: MINUTE - (atMs % MINUTE),
  sentAtMs: atMs - 100,
  receivedAtMs: atMs,
})

test('what was noticed is not noticed again, whatever the order of answers', (t) => {
  const first = noticeOthers(ours, sightAt(NOW, 140), MINUTE)
  const again = noticeOthers(first, sightAt(NOW, 140), MINUTE)
  const late = noticeOthers(again, sightAt(NOW - 3_000, 100), MINUTE)

  t.deepEqual(again.others, first.others)
  t.deepEqual(late.others, first.others)
})

test('what an answer tells late in the next minute is not taken for others', (t) => {
  const start = Math.ceil(NOW / MINUTE) * MINUTE
  const cap = capOf(10, 0.5)
  let window: Window = emptyWindow
  let used = 0
  let last = start
  for (let nowMs = start; nowMs < start + MINUTE; nowMs += SLOT) {
    const given = grant(moveTo(window, nowMs, MINUTE), { nowMs, want: 1, cap, minuteMs: MINUTE })
    window = given.window
    used += given.granted
    if (given.granted > 0) last = nowMs + 100
  }

  t.is(used, cap)
  for (let lateMs = 0; lateMs < MINUTE; lateMs += SLOT) {
    const later = moveTo(window, last + lateMs, MINUTE)
    t.is(othersPerMinute(noticeOthers(later, sightAt(last, used), MINUTE).others), 0, `${lateMs}`)
  }
})

test('what is noticed a minute after it was seen changes nothing', (t) => {
  const later = moveTo(ours, NOW + 2 * MINUTE, MINUTE)

  t.deepEqual(noticeOthers(later, sightAt(NOW, 140), MINUTE), later)
})

test('a minute later the others are forgotten, looked for or not', (t) => {
  const seen = noticeOthers(ours, sightAt(NOW, 140), MINUTE)

  t.is(othersPerMinute(moveTo(seen, NOW + MINUTE + 3 * SLOT, MINUTE).others), 0)
})

test('a few requests in an instant are no rate of a whole minute', (t) => {
  const start = NOW + 20_000
  const seen = noticeOthers(moveTo(emptyWindow, start, MINUTE), sightAt(start, 3), MINUTE)

  t.is(othersPerMinute(seen.others), 30)
})

/** An account whose others spend at a rate of their own; from an instant on we spend what we may. */
function spendTogether(given: {
  readonly share: number
  readonly limit: number
  readonly startMs: number
  readonly minutes: number
  readonly othersAt: (minute: number) => number
  readonly hasReset?: boolean
}) {
  const { share, limit, startMs, hasReset = true } = given
  const sums = new Map<number, { ours: number; others: number }>()
  const sights: ReturnType<typeof sightAt>[] = []
  let window: Window = emptyWindow
  let others = 0
  for (
    let nowMs = startMs - (startMs % MINUTE);
    nowMs < startMs + given.minutes * MINUTE;
    nowMs += 100
  ) {
    const minute = Math.floor(nowMs / MINUTE)
    const sum = sums.get(minute) ?? { ours: 0, others: 0 }
    sums.set(minute, sum)
    others += given.othersAt((nowMs - startMs) / MINUTE) / 600
    sum.others += Math.floor(others)
    others -= Math.floor(others)
    if (nowMs < startMs) continue
    window = moveTo(window, nowMs, MINUTE)
    // Answers take three tenths of a second.
    const sight = sights.findLast((it) => it.sentAtMs <= nowMs - 300)
    if (sight !== undefined) {
      window = noticeOthers(window, { ...sight, receivedAtMs: nowMs }, MINUTE)
      sights.length = 0
    }
    const cap = capOf(limit, share, othersPerMinute(window.others))
    const result = grant(window, { nowMs, want: 16, cap, minuteMs: MINUTE })
    if (result.granted === 0) continue
    window = result.window
    sum.ours += result.granted
    const resetMs = hasReset ? Math.ceil((MINUTE - (nowMs % MINUTE)) / 1_000) * 1_000 : Number.NaN
    sights.push({ used: sum.ours + sum.others, resetMs, sentAtMs: nowMs, receivedAtMs: nowMs })
  }
  return [...sums.values()]
}

/** Our work begins anywhere in a minute. */
const STARTS = [0, 17_300, 59_900].map((ms) => NOW - 40_000 + ms)

for (const hasReset of [true, false]) {
  const told = hasReset ? 'with' : 'without'

  test(`alone on the account we use all of our share, ${told} a reset`, (t) => {
    for (const startMs of STARTS) {
      const account = { share: 0.5, limit: 400, startMs, minutes: 6, othersAt: () => 0, hasReset }
      for (const { ours: spent } of spendTogether(account).slice(1, -1)) {
        t.true(spent >= 190 && spent <= 200, `${spent}`)
      }
    }
  })

  test(`we and others stay within the limit, ${told} a reset`, (t) => {
    for (const startMs of STARTS) {
      for (const rate of [20, 100, 200, 300]) {
        for (const from of [0, 1.4]) {
          const othersAt = (minute: number) => (minute >= from ? rate : 0)
          const account = { share: 0.5, limit: 400, startMs, minutes: 6, othersAt, hasReset }
          for (const { ours: spent, others } of spendTogether(account)) {
            t.true(spent + others <= 400, `${spent} of ours, ${others} of others`)
          }
        }
      }
    }
  })
}

test('beside others a larger part of what is left stays within the limit, too', (t) => {
  for (const startMs of STARTS) {
    const account = { share: 0.8, limit: 400, startMs, minutes: 6, othersAt: () => 300 }
    for (const { ours: spent, others } of spendTogether(account)) {
      t.true(spent + others <= 400, `${spent} of ours, ${others} of others`)
    }
  }
})

test('beside few others nearly all of our share is used', (t) => {
  for (const startMs of STARTS) {
    const account = { share: 0.5, limit: 400, startMs, minutes: 6, othersAt: () => 10 }
    for (const { ours: spent } of spendTogether(account).slice(1, -1)) {
      t.true(spent >= 0.93 * 195, `${spent}`)
    }
  }
})

test('beside many others nearly all of what is left to us is used', (t) => {
  const othersAt = () => 300
  const left = capOf(400, 0.5, 300)
  for (const startMs of STARTS) {
    const account = { share: 0.5, limit: 400, startMs, minutes: 6, othersAt }
    const minutes = spendTogether(account).slice(2, -1)
    const mean = minutes.reduce((sum, minute) => sum + minute.ours, 0) / minutes.length

    t.true(mean >= 0.9 * left && mean <= 1.2 * left, `${mean} a minute of ${left}`)
  }
})

test('a minute after others have stopped our share is whole again', (t) => {
  for (const startMs of STARTS) {
    const othersAt = (minute: number) => (minute < 2.2 ? 300 : 0)
    const account = { share: 0.5, limit: 400, startMs, minutes: 6, othersAt }
    const after = spendTogether(account).slice(4, -1)

    t.true(after.length > 0)
    for (const { ours: spent } of after) t.true(spent >= 180, `${spent}`)
  }
})
