import test from 'ava'
import { ZendeskUnavailableError } from '../../src/platform/errors.ts'
import { isTooLarge } from '../../src/zendesk/http/failure.ts'
import { backoffMs, retryAfterMs } from '../../src/zendesk/http/retry.ts'

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0)
const MINUTE = 60_000

const waits = test.macro({
  title: (_, header: string | undefined) => `Retry-After ${header ?? 'missing'}`,
  exec: (t, header: string | undefined, expected: number) => {
    t.is(retryAfterMs(header, NOW, MINUTE), expected)
  },
})

test(waits, '7', 7_000)
test(waits, '0', 0)
test(waits, '1.5', 1_500)
test(waits, ' 3 ', 3_000)
test(waits, '50, 53', 53_000)
test(waits, '53,50', 53_000)
test(waits, 'Thu, 01 Jan 2026 12:00:30 GMT', 30_000)
test(waits, 'Thu, 01 Jan 2026 11:00:00 GMT', 0)
test(waits, undefined, 60_000)
test(waits, '', 60_000)
test(waits, 'soon', 60_000)
test(waits, '-5', 60_000)
test(waits, '999999999', 15 * 60_000)
test(waits, 'Fri, 01 Jan 2027 00:00:00 GMT', 15 * 60_000)

test('a missing Retry-After waits for one minute of a shortened clock', (t) => {
  t.is(retryAfterMs(undefined, NOW, 600), 600)
  t.is(retryAfterMs('2', NOW, 600), 2_000)
})

test('pauses double up to a bound, between nothing and all of it', (t) => {
  const longest = [1, 2, 3, 4, 5, 6, 20].map((failed) => backoffMs(failed, 1, MINUTE))

  t.deepEqual(longest, [2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000])
  t.is(backoffMs(3, 0, MINUTE), 0)
  t.is(backoffMs(3, 0.5, MINUTE), 4_000)
})

test('a shortened minute shortens the pauses', (t) => {
  t.is(backoffMs(1, 1, 600), 20)
})

test('a gateway timeout, a timeout of ours and too many bytes ask for less, a reset does not', (t) => {
  const because = (code: string) =>
    new ZendeskUnavailableError('no answer', undefined, Object.assign(new Error('x'), { code }))

  t.true(isTooLarge(new ZendeskUnavailableError('Zendesk answers 504', 504)))
  t.true(isTooLarge(because('ETIMEDOUT')))
  t.true(isTooLarge(because('UND_ERR_RES_EXCEEDED_MAX_SIZE')))
  t.false(isTooLarge(because('ECONNRESET')))
  t.false(isTooLarge(new ZendeskUnavailableError('Zendesk answers 503', 503)))
})
