import test from 'ava'
import { type Bound, HeldTime } from '../../src/platform/held-time.ts'

type Step = readonly [at: number, what: 'begin' | 'end', bound: Bound]
type Row = readonly [name: string, steps: readonly Step[], readAt: number, held: number[]]

const table: readonly Row[] = [
  ['nothing is held back', [], 100, [0, 0, 0]],
  [
    'one wait',
    [
      [10, 'begin', 'quota_share'],
      [30, 'end', 'quota_share'],
    ],
    100,
    [0, 20, 0],
  ],
  ['a wait that goes on', [[10, 'begin', 'database']], 100, [0, 0, 90]],
  [
    'two at the same time are one',
    [
      [10, 'begin', 'quota_share'],
      [20, 'begin', 'quota_share'],
      [40, 'end', 'quota_share'],
      [50, 'end', 'quota_share'],
    ],
    100,
    [0, 40, 0],
  ],
  [
    'silence of the account comes before our share, and that before the database',
    [
      [0, 'begin', 'database'],
      [10, 'begin', 'quota_share'],
      [20, 'begin', 'zendesk_limit'],
      [50, 'end', 'zendesk_limit'],
      [60, 'end', 'quota_share'],
      [90, 'end', 'database'],
    ],
    100,
    [30, 20, 40],
  ],
]

for (const [name, steps, readAt, held] of table) {
  test(`time that is held back: ${name}`, (t) => {
    const time = new HeldTime()
    for (const [at, what, bound] of steps) time[what](bound, at)

    const { zendesk_limit: limit, quota_share: share, database } = time.read(readAt)

    t.deepEqual([limit, share, database], held)
  })
}
