import test from 'ava'
import { DateTime } from 'luxon'
import { leadsOn } from '../../src/reconcile/page.ts'

const at = (seconds: number) => DateTime.fromSeconds(1_760_000_000 + seconds, { zone: 'utc' })

const restart = test.macro({
  title: (title) => `starting again ${title}`,
  exec: (
    t,
    [startAt, generatedAt, endReachedAt]: readonly [DateTime, DateTime | null, DateTime | null],
    expected: boolean,
  ) => {
    const place = { afterCursor: 'refused', pageSize: 10, landmark: null }
    const cursor = { startAt, generatedAt, endReachedAt, ...place }
    t.is(leadsOn(cursor), expected)
  },
})

test('leads on from a later second', restart, [at(0), at(1), null], true)
test('leads on where the end had been reached', restart, [at(1), at(1), at(500)], true)
test('leads on from an empty account, too', restart, [at(0), null, at(500)], true)
test('leads back into the second it began in', restart, [at(7), at(7), null], false)
test('counts in whole seconds, as the export does', restart, [at(7.1), at(7.9), null], false)
test('leads nowhere without any ticket', restart, [at(0), null, null], false)
