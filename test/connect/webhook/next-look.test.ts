import test from 'ava'
import { healthOf } from '../../../src/connect/webhook/health.ts'
import { type Next, checkedBy, dailyLookMs } from '../../../src/connect/webhook/next-look.ts'
import { mayMakeWebhooks, planFor, wantedWebhook } from '../../../src/connect/webhook/wanted.ts'
import { IntegrationId } from '../../../src/ids.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const nowMs = Date.parse('2026-01-01T12:00:00Z')
const id = IntegrationId.parse('80000000-0000-4000-8000-000000000000')

test('the daily look of an integration is at the same time of each day', (t) => {
  // Half of all ids are smaller than this one: its time is noon.
  t.is(dailyLookMs(id, nowMs), nowMs + DAY_MS)
  t.is(dailyLookMs(id, nowMs + 5 * HOUR_MS), nowMs + DAY_MS)
  t.is(dailyLookMs(id, nowMs + 22 * HOUR_MS), nowMs + DAY_MS)
  t.is(dailyLookMs(id, nowMs + 23.5 * HOUR_MS), nowMs + 2 * DAY_MS)
})

test('daily looks of many integrations are spread over the day', (t) => {
  const hours = Array.from({ length: 2_400 }, (_, index) => {
    const first = Math.floor((index / 2_400) * 2 ** 32)
    const one = IntegrationId.parse(
      `${first.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
    )
    return new Date(dailyLookMs(one, nowMs)).getUTCHours()
  })
  for (let hour = 0; hour < 24; hour++) {
    t.is(hours.filter((it) => it === hour).length, 100)
  }
})

const unwell = (pause: 'unavailable' | 'failing' | 'refused'): Next => ({
  kind: 'unwell',
  problem: 'unavailable',
  pause,
})
for (const [pause, attempts, seconds] of [
  ['unavailable', 0, 5],
  ['unavailable', 3, 40],
  ['unavailable', 30, 3_600],
  ['failing', 0, 60],
  ['failing', 30, 6 * 3_600],
  ['refused', 0, 3_600],
  ['refused', 2, 4 * 3_600],
  ['refused', 1_000, 86_400],
] as const) {
  test(`after ${attempts} looks in a row, ${pause}, the next one comes in ${seconds} s`, (t) => {
    const look = { integrationId: id, attempts }

    const checked = checkedBy(unwell(pause), look, { nowMs, random: 0.5 })

    t.is(checked.dueAt.getTime(), nowMs + seconds * 1_000)
    t.is(checked.attempts, attempts + 1)
  })
}

test('a wait that Zendesk asks for counts as no attempt, and is never none', (t) => {
  const look = { integrationId: id, attempts: 2 }
  const at = (ms: number) =>
    checkedBy({ kind: 'at', at: new Date(nowMs + ms) }, look, { nowMs, random: 0 })

  t.deepEqual(at(60_000), { dueAt: new Date(nowMs + 60_000), attempts: 2, isComplete: false })
  t.is(at(-60_000).dueAt.getTime(), nowMs + 5_000)
})

const invocation = (status: string, minutesAgo: number) => ({
  status,
  completedMs: nowMs - minutesAgo * 60_000,
})
for (const [what, invocations, health] of [
  ['none', [], 'well'],
  ['a success', [invocation('success', 1)], 'well'],
  ['a success after failures', [invocation('failed', 2), invocation('success', 1)], 'well'],
  ['a failure after a success', [invocation('failed', 1), invocation('success', 2)], 'failing'],
  ['one that was terminated', [invocation('terminated', 1)], 'failing'],
  ['a broken circuit', [invocation('circuit broken', 1)], 'circuit_broken'],
  ['another spelling of it', [invocation('circuit_broken', 1)], 'circuit_broken'],
  ['a circuit that broke yesterday', [invocation('circuit broken', 1_500)], 'failing'],
  ['one that is on its way', [invocation('throttled', 1), invocation('success', 2)], 'well'],
  ['a status that nobody knows', [invocation('dreaming', 1)], 'well'],
] as const) {
  test(`the last deliveries say how it is: ${what}`, (t) => {
    t.is(healthOf(invocations, nowMs), health)
  })
}

for (const [scope, expected] of [
  ['read webhooks:write', true],
  ['read write', true],
  ['webhooks:write,read', true],
  ['read', false],
  ['read webhooks:read tickets:write', false],
  ['', false],
] as const) {
  test(`a consent to "${scope}" ${expected ? 'covers' : 'does not cover'} webhooks`, (t) => {
    t.is(mayMakeWebhooks(scope), expected)
  })
}

const wanted = wantedWebhook('https://a.example', id)
const ours = (webhookId: string, fields = {}) => ({
  id: webhookId,
  isActive: true,
  ...wanted,
  ...fields,
})

test('the webhook that is known stays, whatever became of it', (t) => {
  const own = ours('B', { name: 'renamed', endpoint: 'https://b.example' })

  const plan = planFor(wanted, { own, listed: [ours('A'), ours('C')] })

  t.deepEqual(plan, { keep: own, isRepairDue: true, extraIds: ['A', 'C'] })
})

test('of unknown ones the oldest with our name and our endpoint is taken over', (t) => {
  const listed = [
    ours('A', { endpoint: 'https://b.example' }),
    ours('B', { name: `${wanted.name}.` }),
    ours('D'),
    ours('C', { subscriptions: wanted.subscriptions.toReversed() }),
  ]

  const plan = planFor(wanted, { own: null, listed })

  t.like(plan, { keep: { id: 'C' }, isRepairDue: false, extraIds: ['D'] })
})

test('where there is none of ours, one is to be made', (t) => {
  const plan = planFor(wanted, { own: null, listed: [ours('A', { name: 'hearflow hints' })] })

  t.deepEqual(plan, { keep: null, isRepairDue: false, extraIds: [] })
})
