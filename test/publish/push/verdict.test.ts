import test from 'ava'
import { type Answer, type Verdict, judgeAnswer } from '../../../src/publish/push/verdict.ts'

const now = new Date('2026-01-01T00:00:00Z')
const HOUR = 3_600_000

function answered(status: number, retryAfter?: string): Answer {
  return { kind: 'answered', status, retryAfter }
}

const judges = test.macro<[Answer, number, Verdict]>({
  title: (title) => title ?? '',
  exec(t, answer, attempts, verdict) {
    t.deepEqual(judgeAnswer(answer, attempts, { now, random: 0 }), verdict)
  },
})

test('200 is delivered', judges, answered(200), 1, { kind: 'delivered', outcome: 'status 200' })
test('204 is delivered', judges, answered(204), 9, { kind: 'delivered', outcome: 'status 204' })
test('410 is the end', judges, answered(410), 1, { kind: 'gone', outcome: 'gone (410)' })
test('500 is tried again after 10 s', judges, answered(500), 1, {
  kind: 'postponed',
  outcome: 'status 500',
  delayMs: 10_000,
  holdMs: 0,
})
test('404 is tried again: the receiver may be about to be deployed', judges, answered(404), 2, {
  kind: 'postponed',
  outcome: 'status 404',
  delayMs: 30_000,
  holdMs: 0,
})
test('a redirect says that it is not followed', judges, answered(302), 1, {
  kind: 'postponed',
  outcome: 'status 302: redirects are not followed',
  delayMs: 10_000,
  holdMs: 0,
})
test('no answer is tried again', judges, { kind: 'unanswered', reason: 'no answer' }, 1, {
  kind: 'postponed',
  outcome: 'no answer',
  delayMs: 10_000,
  holdMs: 0,
})
test('the last attempt leaves it dead with the reason', judges, answered(500), 11, {
  kind: 'dead',
  outcome: 'status 500, attempt 11',
  holdMs: 0,
})
test('the last attempt obeys Retry-After, too', judges, answered(503, '120'), 11, {
  kind: 'dead',
  outcome: 'status 503, attempt 11',
  holdMs: 120_000,
})

const obeys = test.macro<[number, string | undefined, number, number]>({
  title: (_, status, retryAfter) => `${status} with Retry-After ${retryAfter}`,
  exec(t, status, retryAfter, delayMs, holdMs) {
    const verdict = judgeAnswer(answered(status, retryAfter), 1, { now, random: 0 })

    t.like(verdict, { kind: 'postponed', delayMs, holdMs })
  },
})
test(obeys, 429, '120', 120_000, 120_000)
test(obeys, 503, '120', 120_000, 120_000)
test(obeys, 429, 'Thu, 01 Jan 2026 00:05:00 GMT', 300_000, 300_000)
test(obeys, 429, 'Wed, 31 Dec 2025 00:00:00 GMT', 10_000, 0)
test(obeys, 429, '1', 10_000, 1_000)
test(obeys, 429, 'soon', 10_000, 0)
test(obeys, 429, undefined, 10_000, 0)
test(obeys, 429, '99999999999', 24 * HOUR, 24 * HOUR)
test(obeys, 500, '120', 10_000, 0)

test('attempts go on for more than a day and jitter only lengthens them', (t) => {
  const waits = (random: number): number => {
    let sum = 0
    for (let attempts = 1; ; attempts++) {
      const verdict = judgeAnswer(answered(500), attempts, { now, random })
      if (verdict.kind !== 'postponed') return sum
      sum += verdict.delayMs
    }
  }

  t.true(waits(0) >= 27 * HOUR)
  t.true(waits(1) > waits(0))
})
