import type { DateTime } from 'luxon'
import { z } from 'zod'
import { type Bound, type HeldMs, addHeld } from '../../platform/held-time.ts'

const Ms = z.number().default(0)

const StoredWait = z.object({
  reason: z.string(),
  /** Null: for the next attempt after a failure. */
  boundedBy: z.enum(['zendesk_limit', 'quota_share', 'database']).nullable(),
  from: z.string(),
  /** As it was planned, until it is over. */
  until: z.string(),
  /** Null until it is over. */
  ms: z.number().nullable(),
})
export type Wait = z.infer<typeof StoredWait>

/**
 * What a run has waited for: the last waits for which it gave its worker back, and the sum of these
 * and of all shorter ones, in which it kept it.
 */
export const Waits = z.object({
  last: z.array(StoredWait).default([]),
  heldMs: z
    .object({ zendesk_limit: Ms, quota_share: Ms, database: Ms })
    .default({ zendesk_limit: 0, quota_share: 0, database: 0 }),
  /** Between failures and the attempts that followed them. */
  failedMs: Ms,
})
export type Waits = z.infer<typeof Waits>

/** Enough to see a pattern; the sums go on counting. */
const MOST_WAITS = 20

export function beginWait(
  waits: Waits,
  wait: { reason: string; boundedBy: Bound | null; from: DateTime; until: DateTime },
): Waits {
  const { reason, boundedBy, from, until } = wait
  const begun = { reason, boundedBy, from: isoOf(from), until: isoOf(until), ms: null }
  return { ...waits, last: [...waits.last, begun].slice(-MOST_WAITS) }
}

/** The wait that has not ended is over: sooner or later than was planned. */
export function endWait(waits: Waits, at: DateTime): Waits {
  const open = openWait(waits)
  if (open === undefined) return waits
  const ms = Math.max(0, at.toMillis() - Date.parse(open.from))
  const ended = { ...open, until: isoOf(at), ms }
  const { boundedBy } = open
  return {
    last: [...waits.last.slice(0, -1), ended],
    heldMs:
      boundedBy === null
        ? waits.heldMs
        : { ...waits.heldMs, [boundedBy]: waits.heldMs[boundedBy] + ms },
    failedMs: waits.failedMs + (boundedBy === null ? ms : 0),
  }
}

export function openWait({ last }: Waits): Wait | undefined {
  const newest = last.at(-1)
  return newest?.ms === null ? newest : undefined
}

/** Adds what was waited without giving the worker back. */
export function addShortWaits(waits: Waits, held: HeldMs): Waits {
  return { ...waits, heldMs: addHeld(waits.heldMs, held) }
}

function isoOf(at: DateTime): string {
  return at.toUTC().toJSDate().toISOString()
}
