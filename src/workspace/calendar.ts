import type { DateTime } from 'luxon'
import type { Plan, SyncDay } from '../../db/schema.ts'

/**
 * When syncs are due: one slot a week on starter, one a day on pro and enterprise, at the same time
 * of the day, in UTC and therefore without gaps or repetitions. Slots are computed here and nowhere
 * stored but in the runs they became.
 */
export interface Schedule {
  readonly plan: Plan
  readonly syncDay: SyncDay
}

/** The order of ISO 8601, in which Monday is 1. */
const DAYS: readonly SyncDay[] = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
]
const PLANS: readonly Plan[] = ['starter', 'pro', 'enterprise']

/** The newest slot that is not after the instant. `timeUtc` is `HH:MM`. */
export function latestSlotAt(schedule: Schedule, timeUtc: string, instant: DateTime): DateTime {
  const [hour, minute] = timeUtc.split(':').map(Number)
  const midnight = instant.toUTC().startOf('day')
  const slot = midnight
    .minus({ days: daysSinceSlotDay(schedule, midnight) })
    .set({ hour: hour ?? 0, minute: minute ?? 0 })
  return slot <= instant ? slot : slot.minus({ days: periodDays(schedule) })
}

/** The first slot after the instant. */
export function nextSlotAfter(schedule: Schedule, timeUtc: string, instant: DateTime): DateTime {
  return latestSlotAt(schedule, timeUtc, instant).plus({ days: periodDays(schedule) })
}

function periodDays({ plan }: Schedule): number {
  return plan === 'starter' ? 7 : 1
}

function daysSinceSlotDay({ plan, syncDay }: Schedule, day: DateTime): number {
  return plan === 'starter' ? (day.weekday - (DAYS.indexOf(syncDay) + 1) + 7) % 7 : 0
}

/** Every schedule that a workspace can have. */
export function everySchedule(): readonly Schedule[] {
  return PLANS.flatMap((plan) => DAYS.map((syncDay) => ({ plan, syncDay })))
}

/**
 * Up to `scheduledSince` the slots were those of another plan or day, the newest of which is
 * `earlierSlot`. That one instant stands for the whole past, for of slots that were missed only the
 * newest one is made up for.
 */
export interface SlotHistory {
  readonly scheduledSince: DateTime
  readonly earlierSlot: DateTime | null
}

/** The newest slot that was due for a workspace, by the plan and day that were in force then. */
export function newestSlot(
  workspace: Schedule & SlotHistory,
  timeUtc: string,
  now: DateTime,
): DateTime | null {
  const latest = latestSlotAt(workspace, timeUtc, now)
  return latest > workspace.scheduledSince ? latest : workspace.earlierSlot
}

/** A change of plan or day counts from the next slot: what was due by now stays due, and nothing else. */
export function historyAfter(
  workspace: Schedule & SlotHistory,
  changed: Schedule,
  at: { readonly timeUtc: string; readonly now: DateTime },
): SlotHistory {
  const { plan, syncDay, scheduledSince, earlierSlot } = workspace
  if (plan === changed.plan && syncDay === changed.syncDay) return { scheduledSince, earlierSlot }
  return { scheduledSince: at.now, earlierSlot: newestSlot(workspace, at.timeUtc, at.now) }
}
