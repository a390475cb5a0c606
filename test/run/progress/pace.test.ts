import test from 'ava'
import type { HeldMs } from '../../../src/platform/held-time.ts'
import {
  type Sample,
  addSample,
  boundOf,
  etaSeconds,
  progressOf,
  ticketsPerSecond,
} from '../../../src/run/progress/pace.ts'
import { Waits, beginWait } from '../../../src/run/progress/waits.ts'
import type { Run } from '../../../src/run/store.ts'
import { RunId, IntegrationId } from '../../../src/ids.ts'
import { planOf } from '../../../src/run/plan.ts'
import { at } from '../../support/zendesk-rows.ts'

const started = at('2026-04-10T00:00:00Z')
const from = started.minus({ days: 100 })
const now = started.plus({ minutes: 10 })
const nothing: HeldMs = { zendesk_limit: 0, quota_share: 0, database: 0 }

function aRun(fields: Partial<Run> = {}): Run {
  const zero = { seen: 0, published: 0, unchanged: 0, filtered: 0, noPublicComments: 0 }
  const id = '5d1f0b6e-6f3f-4f0e-9a64-2f1f3f3c0f11'
  return {
    id: RunId.parse(id),
    integrationId: IntegrationId.parse(id),
    kind: 'backfill',
    stream: 'tickets',
    slot: null,
    state: 'running',
    windowFrom: from,
    waitReason: null,
    createdAt: started,
    startedAt: started,
    finishedAt: null,
    attempts: 0,
    waitedSeconds: 0,
    pages: 0,
    reachedAt: null,
    aheadMs: 0,
    ledger: { ...zero, gone: 0, quarantined: 0, retracted: 0 },
    unaccounted: [],
    hints: { confirmed: 0, fetched: 0, moot: 0 },
    requests: {},
    runningMs: 0,
    waits: Waits.parse({}),
    pace: [],
    plan: planOf({}, 'backfill'),
    drift: { sampled: 0, found: 0 },
    error: null,
    ...fields,
  }
}

const days = (n: number) => from.plus({ days: n })
const sample = (secondsAgo: number, day: number | null, heldMs = nothing): Sample => ({
  at: now.toMillis() - secondsAgo * 1_000,
  reached: day === null ? null : days(day).toMillis(),
  heldMs,
})

const progress: readonly (readonly [name: string, run: Partial<Run>, share: number])[] = [
  ['nothing was reached', {}, 0],
  ['half of the window', { reachedAt: days(50) }, 0.5],
  ['from both ends', { reachedAt: days(25), aheadMs: 25 * 86_400_000 }, 0.5],
  ['from its end alone', { aheadMs: 25 * 86_400_000 }, 0.25],
  ['before the window', { reachedAt: days(-1) }, 0],
  ['all of the window, and not done', { reachedAt: days(100) }, 0.9999],
  ['beyond its own start', { reachedAt: days(101) }, 0.9999],
  ['done', { state: 'done', finishedAt: now, reachedAt: days(50) }, 1],
  ['failed', { state: 'failed', finishedAt: now, reachedAt: days(25) }, 0.25],
  ['a window without length', { windowFrom: started, reachedAt: started }, 0],
  ['never started', { startedAt: null, reachedAt: days(50) }, 0.5],
]
for (const [name, run, share] of progress) {
  test(`progress: ${name}`, (t) => {
    t.is(progressOf(aRun(run)), share)
  })
}

const half = { reachedAt: days(50) }
const etas: readonly (readonly [name: string, run: Partial<Run>, eta: number | null])[] = [
  ['no pace is known', half, null],
  ['at the pace of the last minute', { ...half, pace: [sample(60, 25)] }, 120],
  ['from both ends', { ...half, aheadMs: 25 * 86_400_000, pace: [sample(60, 50)] }, 60],
  ['older samples do not count', { ...half, pace: [sample(600, 0), sample(60, 25)] }, 120],
  ['only older samples', { ...half, pace: [sample(600, 0)] }, null],
  ['from the beginning of the window', { ...half, pace: [sample(50, null)] }, 50],
  ['nothing moves', { ...half, pace: [sample(60, 50)] }, null],
  ['too little was seen', { ...half, pace: [sample(1, 25)] }, null],
  ['done', { state: 'done', finishedAt: now }, 0],
  ['failed', { ...half, state: 'failed', finishedAt: now, pace: [sample(60, 25)] }, null],
]
for (const [name, run, eta] of etas) {
  test(`time that is left: ${name}`, (t) => {
    t.is(etaSeconds(aRun(run), now), eta)
  })
}

const held = (heldMs: Partial<HeldMs>): Waits => ({
  ...Waits.parse({}),
  heldMs: { ...nothing, ...heldMs },
})
const waiting = (boundedBy: 'quota_share' | null) =>
  beginWait(Waits.parse({}), { reason: 'r', boundedBy, from: now, until: now })
const pace = [sample(60, 0)]
const bounds: readonly (readonly [name: string, run: Partial<Run>, bound: string | null])[] = [
  ['nothing is known', {}, null],
  ['nothing holds it back', { pace }, null],
  [
    'our share',
    { pace, waits: held({ quota_share: 50_000, zendesk_limit: 9_000 }) },
    'quota_share',
  ],
  [
    'silence',
    { pace, waits: held({ quota_share: 20_000, zendesk_limit: 30_000 }) },
    'zendesk_limit',
  ],
  ['the database', { pace, waits: held({ quota_share: 1_000, database: 40_000 }) }, 'database'],
  ['a little of the time', { pace, waits: held({ quota_share: 14_000 }) }, null],
  [
    'what was long before does not count',
    {
      pace: [sample(60, 0, { ...nothing, zendesk_limit: 500_000 })],
      waits: held({ zendesk_limit: 501_000, quota_share: 30_000 }),
    },
    'quota_share',
  ],
  ['it waits right now', { waits: waiting('quota_share') }, 'quota_share'],
  ['it waits after a failure', { pace, waits: waiting(null) }, null],
  [
    'it is done',
    { pace, state: 'done', finishedAt: now, waits: held({ quota_share: 50_000 }) },
    null,
  ],
]
for (const [name, run, bound] of bounds) {
  test(`what bounds a run: ${name}`, (t) => {
    t.is(boundOf(aRun(run), now), bound as ReturnType<typeof boundOf>)
  })
}

test('tickets a second are those of the time that was worked', (t) => {
  const ledger = { ...aRun().ledger, seen: 500 }

  t.is(ticketsPerSecond(aRun({ ledger, runningMs: 40_000 })), 12.5)
  t.is(ticketsPerSecond(aRun({ ledger })), null)
})

test('samples of the last minutes are kept, in order', (t) => {
  let samples: Sample[] = []
  for (let seconds = 600; seconds >= 0; seconds -= 5) {
    samples = addSample(samples, sample(seconds, 1))
  }

  t.is(samples.length, 37)
  t.deepEqual(samples[0], sample(180, 1))
  t.deepEqual(addSample(samples, sample(0, 2)).at(-1), sample(0, 2))
  t.is(addSample(samples, sample(0, 2)).length, 37)
})
