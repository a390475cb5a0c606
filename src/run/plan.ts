import { z } from 'zod'

/** The event stream, or a request for the comments of each ticket. */
export const Channel = z.enum(['events', 'comments'])
export type Channel = z.infer<typeof Channel>

/** Fewest requests, or the shortest time: both channels at once, each within its own limit. */
export const Aim = z.enum(['frugal', 'fast'])
export type Aim = z.infer<typeof Aim>

/** What reading would take, or would have taken, by one channel. */
const Way = z.object({ requests: z.number(), minutes: z.number() })
export type Way = Readonly<z.infer<typeof Way>>

const count = z.int().nonnegative()

/** How a run reads comments: what was chosen page by page, and the sums by which it was chosen. */
export const RunPlan = z.object({
  aim: Aim,
  pages: z.record(Channel, count),
  tickets: z.record(Channel, count),
  projected: z.record(Channel, Way),
})
export type RunPlan = z.infer<typeof RunPlan>

/** What was chosen for one page of the export, and how many of its tickets came which way. */
export interface PageTally {
  readonly channel: Channel
  readonly ways: Readonly<Record<Channel, Way>>
  readonly tickets: Readonly<Record<Channel, number>>
}

/** The first import is to be over soon; what a slot asks for shall cost little. */
export function planOf(stored: unknown, kind: 'backfill' | 'sync' | 'hints'): RunPlan {
  const nothing = { events: 0, comments: 0 }
  const noWay = { requests: 0, minutes: 0 }
  return RunPlan.parse({
    aim: kind === 'backfill' ? 'fast' : 'frugal',
    pages: nothing,
    tickets: nothing,
    projected: { events: noWay, comments: noWay },
    ...Object(stored),
  })
}

export function addPage(plan: RunPlan, { channel, ways, tickets }: PageTally): RunPlan {
  return {
    ...plan,
    pages: { ...plan.pages, [channel]: plan.pages[channel] + 1 },
    tickets: {
      events: plan.tickets.events + tickets.events,
      comments: plan.tickets.comments + tickets.comments,
    },
    projected: {
      events: addWays(plan.projected.events, ways.events),
      comments: addWays(plan.projected.comments, ways.comments),
    },
  }
}

function addWays(a: Way, b: Way): Way {
  return { requests: rounded(a.requests + b.requests), minutes: rounded(a.minutes + b.minutes) }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
