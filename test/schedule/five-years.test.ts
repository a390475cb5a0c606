import test from 'ava'
import { DateTime } from 'luxon'
import type { Plan, SyncDay } from '../../db/schema.ts'
import { changeWorkspaceOnce } from '../../src/admin/change-workspace-once.ts'
import type { IntegrationId } from '../../src/ids.ts'
import { scheduleOnce } from '../../src/schedule/schedule-once.ts'
import { testDatabase } from '../support/database.ts'
import { randomFrom } from '../support/random.ts'
import {
  aScheduledIntegration,
  aScheduledWorkspace,
  setStatus,
  slotsOf,
} from '../support/scheduled-rows.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TIME_UTC = '04:00'
const BEGIN = Date.UTC(2023, 11, 27, 12)
const END = Date.UTC(2028, 11, 31, 23)

const PLANS: readonly Plan[] = ['starter', 'pro', 'enterprise']
/** As `getUTCDay` counts them. */
const DAYS: readonly SyncDay[] = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
]

interface Followed {
  readonly id: IntegrationId
  readonly from: number
  isActive: boolean
  readonly slots: number[]
}

/**
 * What must come out, worked out without the calendar and without rows: it walks over every hour,
 * notes the slots of the settings then in force, and of those it has missed makes up for the newest.
 */
class Model {
  now = BEGIN
  plan: Plan = 'starter'
  syncDay: SyncDay = 'monday'
  readonly slots: number[] = []
  readonly integrations: Followed[] = []
  skipped = 0

  advance(to: number): void {
    const firstHour = Math.floor(this.now / HOUR_MS) + 1
    for (let hour = firstHour * HOUR_MS; hour <= to; hour += HOUR_MS) {
      const date = new Date(hour)
      const isDay = this.plan !== 'starter' || DAYS[date.getUTCDay()] === this.syncDay
      if (isDay && date.getUTCHours() === 4) this.slots.push(hour)
    }
    this.now = to
  }

  pass(): void {
    for (const { from, isActive, slots } of this.integrations) {
      const last = Math.max(from, slots.at(-1) ?? 0)
      const missed = isActive ? this.slots.filter((slot) => slot > last) : []
      const newest = missed.at(-1)
      if (newest === undefined) continue
      slots.push(newest)
      this.skipped += missed.length - 1
    }
  }
}

/** `FIVE_YEARS=8` for more histories. */
const SEEDS = Array.from(
  { length: Number(process.env['FIVE_YEARS'] ?? 2) },
  (_, index) => index + 1,
)

for (const seed of SEEDS) {
  test(`in five years of changes and downtimes each due slot becomes one run (seed ${seed})`, async (t) => {
    const { db } = await testDatabase(t)
    const random = randomFrom(seed)
    const pick = <Item>(items: readonly Item[]): Item => {
      const item = items[Math.floor(random() * items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    }
    const model = new Model()
    const since = new Date(BEGIN).toISOString()
    const workspaceId = await aScheduledWorkspace(db, { plan: 'starter', since })
    const counts = { changes: 0, downtimes: 0, pauses: 0 }

    const connect = async (): Promise<void> => {
      const from = model.now
      const account = { from: new Date(from).toISOString(), subdomain: `a${from}` }
      const id = await aScheduledIntegration(db, workspaceId, account)
      model.integrations.push({ id, from, isActive: true, slots: [] })
    }
    const scheduler = (now: number) =>
      scheduleOnce(db, { timeUtc: TIME_UTC, now: DateTime.fromMillis(now, { zone: 'utc' }) })
    const change = async (): Promise<void> => {
      const clock = () => Promise.resolve(DateTime.fromMillis(model.now, { zone: 'utc' }))
      const wanted = random() < 0.5 ? { plan: pick(PLANS) } : { syncDay: pick(DAYS) }
      await changeWorkspaceOnce({ db, clock, timeUtc: TIME_UTC }, workspaceId, wanted)
      Object.assign(model, wanted)
      counts.changes++
    }
    const pauseOrResume = async (): Promise<void> => {
      const paused = model.integrations.filter(({ isActive }) => !isActive)
      const integration = pick(paused.length > 0 && random() < 0.8 ? paused : model.integrations)
      integration.isActive = !integration.isActive
      counts.pauses++
      const status = integration.isActive ? 'active' : pick(['paused', 'errored'] as const)
      await setStatus(db, integration.id, status)
    }
    const passes = async (atOnce: readonly Promise<unknown>[]): Promise<void> => {
      await Promise.all(atOnce)
      model.pass()
    }
    const step = async (): Promise<void> => {
      const dice = random()
      if (dice < 0.08) return change()
      if (dice < 0.14) return pauseOrResume()
      if (dice < 0.4) return passes([scheduler(model.now), scheduler(model.now)])
      if (dice < 0.44) {
        // Passes that meet a change may leave the workspace to the next one.
        await Promise.all([scheduler(model.now), change(), scheduler(model.now)])
      }
      await passes([scheduler(model.now)])
      // A clock that was set back: all of that is done.
      if (dice < 0.48) await scheduler(model.now - Math.floor(random() * 20 * DAY_MS))
    }
    const nextInstant = (): number => {
      const dice = random()
      const later = model.now + 1 + Math.floor(random() * 30 * HOUR_MS)
      if (dice < 0.02) {
        counts.downtimes++
        return later + Math.floor(random() * 40 * DAY_MS)
      }
      if (dice > 0.3) return later
      // At a slot, or right before or after it.
      const slot = Math.ceil((later - 4 * HOUR_MS) / DAY_MS) * DAY_MS + 4 * HOUR_MS
      return Math.max(model.now, slot + pick([-1, 0, 1]))
    }

    await connect()
    while (model.now < END) {
      model.advance(nextInstant())
      if (model.integrations.length < 4 && random() < 0.02) await connect()
      await step()
    }
    await passes([scheduler(model.now)])

    for (const { id, slots } of model.integrations) {
      const expected = slots.map((slot) => new Date(slot).toISOString())
      t.deepEqual(await slotsOf(db, id), expected)
    }
    // The walk has been where it hurts.
    const runs = model.integrations.reduce((sum, { slots }) => sum + slots.length, 0)
    t.true(model.integrations.length > 1)
    t.true(runs > 500, `${runs} runs`)
    t.true(model.skipped > 100, `${model.skipped} slots were skipped`)
    t.true(Math.min(counts.changes, counts.pauses) > 50 && counts.downtimes > 10)
    t.log({ ...counts, runs, skipped: model.skipped, slots: model.slots.length })
  })
}
