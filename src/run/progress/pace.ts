import type { DateTime } from 'luxon'
import { z } from 'zod'
import { type Bound, type HeldMs, addHeld } from '../../platform/held-time.ts'
import type { Run } from '../store.ts'
import { openWait } from './waits.ts'

/** How far a run was at an instant; what held it back, in all until then. */
export const Sample = z.object({
  at: z.number(),
  reached: z.number().nullable(),
  heldMs: z.object({ zendesk_limit: z.number(), quota_share: z.number(), database: z.number() }),
})
export type Sample = z.infer<typeof Sample>
export const Pace = z.array(Sample)

/** What is told of the pace is about this last part of the time. */
const WINDOW_MS = 180_000

/** Less than this says nothing about what comes. */
const LEAST_MS = 3_000

/** What holds a run back for less than this part of the time does not bound it. */
const LEAST_SHARE = 0.25

export function addSample(pace: readonly Sample[], sample: Sample): Sample[] {
  return [...pace.filter(({ at }) => at >= sample.at - WINDOW_MS && at < sample.at), sample]
}

/** The stream's instant of a run that would have read as much of it in order; null: nothing yet. */
export function reachOf({ reachedAt, aheadMs, windowFrom }: Run): number | null {
  if (reachedAt === null && aheadMs === 0) return null
  return (reachedAt ?? windowFrom).toMillis() + aheadMs
}

/**
 * How far a run has come, by the instants of the stream from its window to its own start: what is
 * written to the stream meanwhile is the last small part of it. It never goes back, and is whole only
 * when the run is done.
 */
export function progressOf(run: Run): number {
  const { windowFrom } = run
  const reached = reachOf(run)
  if (run.state === 'done') return 1
  if (reached === null) return 0
  const whole = endOf(run).diff(windowFrom).toMillis()
  const share = whole <= 0 ? 0 : (reached - windowFrom.toMillis()) / whole
  return Math.floor(Math.min(0.9999, Math.max(0, share)) * 10_000) / 10_000
}

/** Seconds until the end at the pace of the last minutes; null while there is nothing to reckon with. */
export function etaSeconds(run: Run, now: DateTime): number | null {
  if (run.state === 'done') return 0
  const reached = reachOf(run)
  if (run.state === 'failed' || reached === null) return null
  const base = baseOf(run, now)
  if (base === undefined) return null
  const moved = reached - (base.reached ?? run.windowFrom.toMillis())
  if (moved <= 0) return null
  const left = Math.max(0, endOf(run).toMillis() - reached)
  return Math.round((left * (now.toMillis() - base.at)) / moved / 1_000)
}

/** What holds a run back right now, or did most of the last minutes; null: nothing that we know of. */
export function boundOf(run: Run, now: DateTime): Bound | null {
  if (run.finishedAt !== null) return null
  const open = openWait(run.waits)
  if (open !== undefined) return open.boundedBy
  const base = baseOf(run, now)
  if (base === undefined) return null
  const held = addHeld(run.waits.heldMs, base.heldMs, -1)
  const most = longestOf(held)
  return held[most] >= LEAST_SHARE * (now.toMillis() - base.at) ? most : null
}

/** By the time that was worked on them, without waits. */
export function ticketsPerSecond({ ledger, runningMs }: Run): number | null {
  if (runningMs <= 0) return null
  return Math.round((ledger.seen / runningMs) * 100_000) / 100
}

function longestOf(held: HeldMs): Bound {
  const { zendesk_limit: limit, quota_share: share, database } = held
  if (limit >= share && limit >= database) return 'zendesk_limit'
  return share >= database ? 'quota_share' : 'database'
}

function endOf({ startedAt, createdAt }: Run): DateTime {
  return startedAt ?? createdAt
}

function baseOf({ pace }: Run, now: DateTime): Sample | undefined {
  const since = now.toMillis() - WINDOW_MS
  const base = pace.find(({ at }) => at >= since)
  return base !== undefined && now.toMillis() - base.at >= LEAST_MS ? base : undefined
}
