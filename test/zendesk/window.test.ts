import test from 'ava'
import { SLOTS_A_MINUTE, type Window, grant } from '../../src/zendesk/budget/window.ts'

const emptyWindow: Window = { slot: 0, granted: [], others: [] }
const MINUTE = 60_000
const NOW = Date.UTC(2026, 0, 1)

/** Asks for all it can get at each instant that a grant names, and notes what it got when. */
function spend(cap: number, forMs: number, minuteMs = MINUTE) {
  const grants: { atMs: number; granted: number }[] = []
  const waits: number[] = []
  let window = emptyWindow
  for (let nowMs = NOW; nowMs < NOW + forMs;) {
    const result = grant(window, { nowMs, want: 1_000_000, cap, minuteMs })
    window = result.window
    if (result.granted > 0) {
      grants.push({ atMs: nowMs, granted: result.granted })
      continue
    }
    waits.push(result.retryAtMs - nowMs)
    nowMs = result.retryAtMs
  }
  return { grants, waits }
}

/** The most that was granted in any minute, if each permit is used at once or as late as two slots after its own. */
function peak(grants: readonly { atMs: number; granted: number }[], minuteMs = MINUTE): number {
  const sums = grants.map(({ atMs: from }) =>
    grants
      .filter(
        ({ atMs }) => atMs >= from && atMs < from + minuteMs + (3 * minuteMs) / SLOTS_A_MINUTE,
      )
      .reduce((sum, { granted }) => sum + granted, 0),
  )
  return Math.max(...sums)
}

const keepsTo = test.macro({
  title: (_, cap: number) => `a cap of ${cap} a minute is kept in any minute and nearly used up`,
  exec: (t, cap: number) => {
    const { grants } = spend(cap, 10 * MINUTE)
    const total = grants.reduce((sum, { granted }) => sum + granted, 0)

    t.true(peak(grants) <= cap)
    t.true(total >= 10 * cap * 0.95, `${total} of ${10 * cap}`)
  },
})

const isEven = test.macro({
  title: (_, cap: number) => `95 % of a cap of ${cap} are granted in a minute, wherever it begins`,
  exec: (t, cap: number) => {
    const { grants } = spend(cap, 6 * MINUTE)
    const inMinuteFrom = (from: number) =>
      grants
        .filter(({ atMs }) => atMs >= from && atMs < from + MINUTE)
        .reduce((sum, { granted }) => sum + granted, 0)
    const starts = Array.from({ length: 600 }, (_start, index) => NOW + index * 500)

    t.true(Math.min(...starts.map(inMinuteFrom)) >= cap * 0.95)
  },
})

for (const cap of [1, 3, 5, 7, 59, 60, 61, 100, 200, 1_250, 500_000]) test(keepsTo, cap)

for (const cap of [100, 200, 350, 1_250]) test(isEven, cap)

test('at five a minute or more nobody waits as long as twenty seconds for the next permit', (t) => {
  for (const cap of [5, 10, 31, 100, 200]) {
    t.true(Math.max(...spend(cap, 5 * MINUTE).waits) < 20_000)
  }
})

test('a short burst is granted at once, the rest in even steps', (t) => {
  const { grants } = spend(200, 10_000)

  t.is(grants[0]?.granted, 6)
  t.true(grants.slice(1).every(({ granted }) => granted <= 2))
})

test('no more is granted than is wanted, and the rest stays', (t) => {
  const ask = { nowMs: NOW, cap: 200, minuteMs: MINUTE }

  const first = grant(emptyWindow, { ...ask, want: 3 })
  const second = grant(first.window, { ...ask, want: 100 })

  t.is(first.granted, 3)
  t.is(second.granted, 3)
})

test('permits are to be sent before the slot after their own ends', (t) => {
  const nowMs = NOW + 250

  t.is(grant(emptyWindow, { nowMs, want: 1, cap: 60, minuteMs: MINUTE }).usableUntilMs - nowMs, 750)
})

test('a shortened minute is paced alike', (t) => {
  const { grants } = spend(100, 3_000, 600)

  t.true(peak(grants, 600) <= 100)
  t.true(grants.reduce((sum, { granted }) => sum + granted, 0) >= 475)
})

test('a clock set back by seconds gets nothing for free, one set back by hours starts anew', (t) => {
  const ask = { want: 1_000, cap: 60, minuteMs: MINUTE }
  const { window } = grant(emptyWindow, { ...ask, nowMs: NOW })

  const secondsBack = grant(window, { ...ask, nowMs: NOW - 5_000 })
  const hoursBack = grant(window, { ...ask, nowMs: NOW - 7_200_000 })

  t.is(secondsBack.granted, 0)
  t.true(hoursBack.granted > 0)
})

test('after a minute of silence all is forgotten', (t) => {
  const ask = { want: 1_000, cap: 60, minuteMs: MINUTE }
  const first = grant(emptyWindow, { ...ask, nowMs: NOW })
  const later = grant(first.window, { ...ask, nowMs: NOW + 61_000 })

  t.is(later.granted, first.granted)
  t.is(later.window.granted.length, first.window.granted.length)
})

test('a smaller share of an account that spent more waits until its share is free', (t) => {
  const ask = { nowMs: NOW, minuteMs: MINUTE }
  const { window } = grant(emptyWindow, { ...ask, want: 1_000, cap: 600 })

  const other = grant(window, { ...ask, want: 1, cap: 12 })

  t.is(other.granted, 0)
  t.true(other.retryAtMs > NOW + 30_000)
})
