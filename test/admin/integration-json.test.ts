import test from 'ava'
import { DateTime } from 'luxon'
import { usedLastMinute } from '../../src/admin/integration-json.ts'
import { SLOTS_A_MINUTE, WINDOW_SLOTS } from '../../src/zendesk/budget/window.ts'

const now = DateTime.fromMillis(1_000 * 60_000, { zone: 'utc' })
const slot = (now.toMillis() / 60_000) * SLOTS_A_MINUTE
const full = Array.from({ length: WINDOW_SLOTS }, () => 1)

const table: readonly (readonly [name: string, slot: number, granted: number[], used: number])[] = [
  ['nothing', slot, [], 0],
  ['what was granted in this very slot', slot, [5], 5],
  ['what was granted a minute ago and more', slot, full, SLOTS_A_MINUTE],
  ['what slid out of the minute since', slot - 20, full, SLOTS_A_MINUTE - 20],
  ['what was granted in the last slot of the minute', slot - SLOTS_A_MINUTE + 1, [7, 1], 7],
  ['what was granted before the minute', slot - SLOTS_A_MINUTE, full, 0],
  ['a clock that is behind the database', slot + 3, [2, 2, 2, 2], 8],
]

for (const [name, at, granted, used] of table) {
  test(`requests of the last minute: ${name}`, (t) => {
    t.is(usedLastMinute({ limitPerMinute: 400, slot: at, granted }, now, 60_000), used)
  })
}
