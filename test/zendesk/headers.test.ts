import test from 'ava'
import { type Family, capOf, familiesOf } from '../../src/zendesk/budget/family.ts'
import { isLimitOfEndpoint, readLimits } from '../../src/zendesk/budget/headers.ts'

test('our part of a limit is rounded down, and is never nothing', (t) => {
  t.is(capOf(400, 0.5), 200)
  t.is(capOf(10, 0.5), 5)
  t.is(capOf(10, 0.25), 2)
  t.is(capOf(10, 0.05), 1)
  t.is(capOf(100, 0.29), 29)
})

test('what others spend, and some more, is taken off the limit before it is shared', (t) => {
  t.is(capOf(400, 0.5, 0), 200)
  t.is(capOf(400, 0.5, 5), 197)
  t.is(capOf(400, 0.5, 300), 36)
  t.is(capOf(400, 0.5, 400), 1)
  t.is(capOf(400, 0.5, 4_000), 1)
  t.is(capOf(400, 1, 300), 73)
})

test('a limit that nobody knows, or a share without bound, is no cap', (t) => {
  t.is(capOf(Number.POSITIVE_INFINITY, 0.5), Number.POSITIVE_INFINITY)
  t.is(capOf(400, Number.POSITIVE_INFINITY, 400), Number.POSITIVE_INFINITY)
})

test('what counts against an endpoint counts against the account', (t) => {
  t.deepEqual(familiesOf('account'), ['account'])
  t.deepEqual(familiesOf('incremental'), ['account', 'incremental'])
  t.deepEqual(familiesOf('comments'), ['account', 'comments'])
})

const tells = test.macro({
  title: (_, headers: Record<string, string>, family: Family) =>
    `${JSON.stringify(headers)} of an answer to ${family}`,
  exec: (t, headers: Record<string, string>, family: Family, limits: object) => {
    t.deepEqual(readLimits(headers, family), limits)
  },
})

test(tells, { 'x-rate-limit': '700', 'x-rate-limit-remaining': '3' }, 'account', {
  account: { limit: 700, remaining: 3 },
})
test(
  tells,
  { 'RateLimit-Limit': '400', 'RateLimit-Remaining': '399', 'RateLimit-Reset': '8' },
  'comments',
  { account: { limit: 400, remaining: 399, resetMs: 8_000 } },
)
test(
  tells,
  { 'rate-limit': '2500', 'rate-limit-remaining': '0', 'rate-limit-reset': '60' },
  'account',
  { account: { limit: 2_500, remaining: 0, resetMs: 60_000 } },
)
test(tells, { 'ratelimit-limit': '100, 100;w=60' }, 'account', { account: { limit: 100 } })
test(tells, { 'x-rate-limit-remaining': '7' }, 'account', { account: { remaining: 7 } })
test(tells, { 'x-rate-limit': '10', 'x-rate-limit-remaining': '-5' }, 'account', {
  account: { limit: 10 },
})
test(tells, { 'x-rate-limit': 'none', 'x-rate-limit-remaining': 'many' }, 'account', {})
test(tells, { 'x-rate-limit': '0' }, 'account', {})
test(tells, { 'ratelimit-reset': '5' }, 'account', {})
test(tells, {}, 'comments', {})
test(tells, { 'x-rate-limit': '999999999999' }, 'account', { account: { limit: 2_000_000_000 } })
test(tells, { 'x-rate-limit': '700' }, 'incremental', {})
test(
  tells,
  { 'Zendesk-RateLimit-incremental-exports': 'total=10; remaining=9; resets=2' },
  'incremental',
  { incremental: { limit: 10, remaining: 9, resetMs: 2_000 } },
)
test(
  tells,
  { 'zendesk-ratelimit-incremental-exports-cursor': 'total=30; remaining=0; resets=60' },
  'incremental',
  { incremental: { limit: 30, remaining: 0, resetMs: 60_000 } },
)
test(
  tells,
  { 'zendesk-rate-limit-incremental-exports': 'remaining=1; total = 30' },
  'incremental',
  { incremental: { limit: 30, remaining: 1 } },
)
test(
  tells,
  { 'zendesk-ratelimit-any': 'total=100', 'zendesk-ratelimit-other': 'total=30; remaining=2' },
  'comments',
  { comments: { limit: 30, remaining: 2 } },
)
test(tells, { 'zendesk-ratelimit-any': 'as you like' }, 'comments', {})
test(tells, { 'zendesk-ratelimit-tickets-index': 'total=100' }, 'account', {})

test('whose limit was met', (t) => {
  const spent = { limit: 30, remaining: 0 }
  const left = { limit: 30, remaining: 3 }

  t.true(isLimitOfEndpoint({}, 'incremental', false), 'the body names the endpoint')
  t.false(isLimitOfEndpoint({}, 'incremental', true), 'the body names the account')
  t.true(isLimitOfEndpoint({ comments: spent, account: left }, 'comments', true))
  t.true(isLimitOfEndpoint({ comments: spent }, 'comments', true))
  t.false(isLimitOfEndpoint({ comments: left, account: spent }, 'comments', false))
  t.false(isLimitOfEndpoint({ comments: spent, account: spent }, 'comments', true))
  t.false(isLimitOfEndpoint({ comments: left, account: left }, 'comments', true))
  t.false(isLimitOfEndpoint({ account: left }, 'account', false), 'there is nothing smaller')
})
