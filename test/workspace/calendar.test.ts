import test from 'ava'
import type { Plan, SyncDay } from '../../db/schema.ts'
import {
  everySchedule,
  historyAfter,
  latestSlotAt,
  newestSlot,
  nextSlotAfter,
} from '../../src/workspace/calendar.ts'
import { randomFrom } from '../support/random.ts'
import { at } from '../support/zendesk-rows.ts'

const DAY_MS = 86_400_000

type Row = readonly [
  what: string,
  schedule: { readonly plan: Plan; readonly syncDay: SyncDay },
  timeUtc: string,
  instant: string,
  latest: string,
  next: string,
]

const weeklyOn = (syncDay: SyncDay) => ({ plan: 'starter', syncDay }) as const
const pro = { plan: 'pro', syncDay: 'sunday' } as const
const enterprise = { plan: 'enterprise', syncDay: 'sunday' } as const

const table: readonly Row[] = [
  [
    'right before',
    pro,
    '04:00',
    '2026-03-10T03:59:59.999Z',
    '2026-03-09T04:00',
    '2026-03-10T04:00',
  ],
  ['right at', pro, '04:00', '2026-03-10T04:00:00.000Z', '2026-03-10T04:00', '2026-03-11T04:00'],
  ['right after', pro, '04:00', '2026-03-10T04:00:00.001Z', '2026-03-10T04:00', '2026-03-11T04:00'],
  ['enterprise', enterprise, '04:00', '2026-03-10T12:00Z', '2026-03-10T04:00', '2026-03-11T04:00'],
  ['midnight slots', pro, '00:00', '2026-03-10T00:00Z', '2026-03-10T00:00', '2026-03-11T00:00'],
  ['last minute slots', pro, '23:59', '2026-03-10T23:58Z', '2026-03-09T23:59', '2026-03-10T23:59'],
  ['a year end', pro, '04:00', '2026-01-01T03:00Z', '2025-12-31T04:00', '2026-01-01T04:00'],
  ['a leap day', pro, '04:00', '2028-02-29T03:00Z', '2028-02-28T04:00', '2028-02-29T04:00'],
  ['after a leap day', pro, '04:00', '2028-03-01T03:00Z', '2028-02-29T04:00', '2028-03-01T04:00'],
  ['no leap day', pro, '04:00', '2100-03-01T03:00Z', '2100-02-28T04:00', '2100-03-01T04:00'],
  ['a clock change', pro, '02:30', '2026-03-29T02:29Z', '2026-03-28T02:30', '2026-03-29T02:30'],
  ['another zone', pro, '04:00', '2026-03-10T03:00+02:00', '2026-03-09T04:00', '2026-03-10T04:00'],
  [
    'the day itself, before',
    weeklyOn('thursday'),
    '04:00',
    '2026-01-01T03:59Z',
    '2025-12-25T04:00',
    '2026-01-01T04:00',
  ],
  [
    'the day itself, at',
    weeklyOn('thursday'),
    '04:00',
    '2026-01-01T04:00Z',
    '2026-01-01T04:00',
    '2026-01-08T04:00',
  ],
  [
    'the day after',
    weeklyOn('sunday'),
    '04:00',
    '2026-03-09T00:00Z',
    '2026-03-08T04:00',
    '2026-03-15T04:00',
  ],
  [
    'the day before',
    weeklyOn('monday'),
    '04:00',
    '2026-03-08T23:00Z',
    '2026-03-02T04:00',
    '2026-03-09T04:00',
  ],
  [
    'a week over a leap day',
    weeklyOn('tuesday'),
    '04:00',
    '2028-03-01T00:00Z',
    '2028-02-29T04:00',
    '2028-03-07T04:00',
  ],
]

for (const [what, schedule, timeUtc, instant, latest, next] of table) {
  test(`the slots around an instant: ${schedule.plan}, ${what}`, (t) => {
    const now = at(instant)

    t.is(latestSlotAt(schedule, timeUtc, now).toISO(), at(latest).toISO())
    t.is(nextSlotAfter(schedule, timeUtc, now).toISO(), at(next).toISO())
  })
}

/** The same by counting milliseconds, for 1970 began on a Thursday. */
function countedSlots(days: 'every' | number, minutes: number, from: number, to: number): number[] {
  const slots: number[] = []
  for (let day = Math.floor(from / DAY_MS) - 8; day * DAY_MS < to + 8 * DAY_MS; day++) {
    const isSlotDay = days === 'every' || (day + 3) % 7 === days
    if (isSlotDay) slots.push(day * DAY_MS + minutes * 60_000)
  }
  return slots
}

test('over thirty years every schedule has the slots that counting gives', (t) => {
  const random = randomFrom(4)
  const [from, to] = [at('2019-12-25T00:00Z').toMillis(), at('2050-01-08T00:00Z').toMillis()]
  for (const [index, schedule] of everySchedule().entries()) {
    const minutes = Math.floor(random() * 1440)
    const timeUtc = [minutes / 60, minutes % 60]
      .map((part) => String(Math.floor(part)).padStart(2, '0'))
      .join(':')
    const days = schedule.plan === 'starter' ? index % 7 : 'every'
    const slots = countedSlots(days, minutes, from, to)
    for (let count = 0; count < 500; count++) {
      // Every third instant is close to a slot, or one.
      const anywhere = Math.floor(from + random() * (to - from))
      const nearby = (slots[Math.floor(random() * slots.length)] ?? from) + (count % 9) - 4
      const instant = count % 3 === 0 ? Math.min(to, Math.max(from, nearby)) : anywhere
      const now = at(new Date(instant).toISOString())
      const later = slots.findIndex((slot) => slot > instant)

      const name = `${schedule.plan} ${schedule.syncDay} ${timeUtc} at ${now.toISO()}`
      t.is(latestSlotAt(schedule, timeUtc, now).toMillis(), slots[later - 1] ?? 0, name)
      t.is(nextSlotAfter(schedule, timeUtc, now).toMillis(), slots[later] ?? 0, name)
    }
  }
})

const change = (
  workspace: { plan: Plan; syncDay: SyncDay; since: string; earlier: string | null },
  to: { plan: Plan; syncDay: SyncDay },
  now: string,
) => {
  const { plan, syncDay, since, earlier } = workspace
  const { scheduledSince, earlierSlot } = historyAfter(
    {
      plan,
      syncDay,
      scheduledSince: at(since),
      earlierSlot: earlier === null ? null : at(earlier),
    },
    to,
    { timeUtc: '04:00', now: at(now) },
  )
  return {
    ...to,
    since: scheduledSince.toISO() ?? '',
    earlier: earlierSlot?.toISO() ?? null,
  }
}

const due = (workspace: ReturnType<typeof change>, now: string) =>
  newestSlot(
    {
      plan: workspace.plan,
      syncDay: workspace.syncDay,
      scheduledSince: at(workspace.since),
      earlierSlot: workspace.earlier === null ? null : at(workspace.earlier),
    },
    '04:00',
    at(now),
  )?.toISO() ?? null

// A Wednesday, before its slot.
const begun = { ...pro, since: '2026-03-04T00:00:00.000Z', earlier: null }

test('a workspace that has had no slot yet is due for none', (t) => {
  t.is(due(begun, '2026-03-04T03:59Z'), null)
  t.is(due(begun, '2026-03-04T04:00Z'), '2026-03-04T04:00:00.000Z')
})

test('a slot that is due at a change of the plan stays due until the next one of the new plan', (t) => {
  const changed = change(begun, weeklyOn('monday'), '2026-03-06T12:00Z')

  t.deepEqual(changed, {
    ...weeklyOn('monday'),
    since: '2026-03-06T12:00:00.000Z',
    earlier: '2026-03-06T04:00:00.000Z',
  })
  t.is(due(changed, '2026-03-06T12:00Z'), '2026-03-06T04:00:00.000Z')
  t.is(due(changed, '2026-03-09T03:59Z'), '2026-03-06T04:00:00.000Z')
  t.is(due(changed, '2026-03-09T04:00Z'), '2026-03-09T04:00:00.000Z')
})

test('a move to a day whose slot has passed this week waits for the next week', (t) => {
  const changed = change(
    { ...begun, ...weeklyOn('monday') },
    weeklyOn('tuesday'),
    '2026-03-05T00:00Z',
  )

  t.is(due(changed, '2026-03-05T00:00Z'), null)
  t.is(due(changed, '2026-03-10T04:00Z'), '2026-03-10T04:00:00.000Z')
})

test('a change back and forth makes no slot of either plan', (t) => {
  const weekly = change(begun, weeklyOn('thursday'), '2026-03-05T03:00Z')
  const daily = change(weekly, pro, '2026-03-05T05:00Z')
  const again = change(daily, weeklyOn('wednesday'), '2026-03-05T06:00Z')

  t.is(due(weekly, '2026-03-05T03:30Z'), '2026-03-04T04:00:00.000Z')
  t.is(due(daily, '2026-03-05T05:00Z'), '2026-03-05T04:00:00.000Z')
  t.is(due(again, '2026-03-11T03:59Z'), '2026-03-05T04:00:00.000Z')
})

test('a change of neither plan nor day leaves the history as it is', (t) => {
  t.deepEqual(change(begun, pro, '2026-03-06T12:00Z'), begun)
})
