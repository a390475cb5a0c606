import test from 'ava'
import {
  BudgetSpentError,
  LeaseLostError,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import { retryDelayMs, runPass } from '../../src/platform/run-pass.ts'

const { signal } = new AbortController()
const failing = (error: unknown) => () => Promise.reject(error)

test('a pass that ends well is done', async (t) => {
  t.deepEqual(await runPass(async () => 3, signal), { kind: 'done', value: 3 })
})

test('a spent budget waits until its instant', async (t) => {
  const resumeAt = new Date('2026-01-01T00:01:00Z')

  const end = await runPass(failing(new BudgetSpentError('budget spent', resumeAt)), signal)

  t.deepEqual(end, { kind: 'wait', resumeAt, reason: 'budget spent', boundedBy: 'zendesk_limit' })
})

const remedies = [
  [new ZendeskUnavailableError('503'), 'retry'],
  [new ZendeskRefusedError('credentials_revoked', 'no'), 'halt'],
  [new ZendeskShapeError('no id'), 'halt'],
  [new LeaseLostError('taken over'), 'skip'],
  [new TypeError('a bug'), 'retry'],
  ['not even an error', 'retry'],
] as const

for (const [error, kind] of remedies) {
  test(`${String(error)} ends in ${kind}`, async (t) => {
    t.is((await runPass(failing(error), signal)).kind, kind)
  })
}

test('whatever a stopped pass throws, it was stopped', async (t) => {
  const stopped = AbortSignal.abort()

  t.deepEqual(await runPass(failing(new TypeError('aborted')), stopped), { kind: 'stopped' })
})

test('the delay doubles, has jitter, and never passes ten minutes', (t) => {
  t.is(retryDelayMs(0, 0), 100)
  t.true(retryDelayMs(0, 0.999) <= 1_000)
  t.is(retryDelayMs(3, 0), 800)
  t.true(retryDelayMs(50, 0.999) <= 600_000)
  t.true(retryDelayMs(50, 0) >= 60_000)
})
