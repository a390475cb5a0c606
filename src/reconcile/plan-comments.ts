import type { Channel, Way } from '../run/plan.ts'

/**
 * How the comments of changed tickets are read. The comments endpoint costs a request a ticket, of the
 * limit of the account; the event stream costs a request for a thousand events, of the much smaller
 * limit of exports, whether or not these events are of tickets that matter. Which of them is cheaper
 * follows from what is known before either is asked.
 */
/** What was learnt of an account so far. */
export interface Learnt {
  readonly eventsRead: number
  /** Tickets that the stream was read for. */
  readonly rowsRead: number
}

/** What is known of a page of the export before the comments of its tickets are read. */
export interface PageFacts extends Learnt {
  /** Tickets whose comments have to be read. */
  readonly needing: number
  /** Of those, how many the event stream can show from their start or on from what is stored. */
  readonly whole: number
  /** Tickets that the stream has to be read for: of the page, and of those before that it is behind. */
  readonly rows: number
  /** Whether the stream was read beyond the page already. */
  readonly isRead: boolean
  /** Everything that has changed is read at the comments endpoint, whatever it costs. */
  readonly isCareful: boolean
}

/** Requests a minute of our share. */
export interface Pace {
  readonly account: number
  readonly incremental: number
}

export interface PageChoice {
  readonly channel: Channel
  readonly ways: Readonly<Record<Channel, Way>>
}

/** Of an account that is not known yet: peers reckon with ten events a ticket. */
const EVENTS_A_TICKET = 10
/** Tickets after which what was learnt replaces what was assumed. */
const LEARNT_ROWS = 100
const EVENTS_A_PAGE = 1_000

/** Authors whose role is not known yet, and tickets that have to be confirmed, by experience. */
const UNKNOWN_AUTHORS = 0.6
const AUTHORS_A_REQUEST = 100
const CONFIRMED = 0.05

export function planPage(facts: PageFacts, pace: Pace): PageChoice {
  const comments = wayOf({ account: facts.needing, incremental: 0 }, pace)
  const pages = facts.isRead ? 0 : Math.max(1, expectedEvents(facts) / EVENTS_A_PAGE)
  const authors = Math.ceil((facts.whole * UNKNOWN_AUTHORS) / AUTHORS_A_REQUEST)
  const others = facts.needing - facts.whole + facts.whole * CONFIRMED
  const events = wayOf({ account: authors + others, incremental: pages }, pace)
  const isPossible = facts.whole > 0 && !facts.isCareful
  const channel = isPossible && events.requests < comments.requests ? 'events' : 'comments'
  return { channel, ways: { events, comments } }
}

/**
 * The part of the tickets that is to be read at the comments endpoint so that it is at the end as soon
 * as the event stream, which shares its limit with the export.
 */
export function commentsShare(learnt: Learnt, pace: Pace): number {
  const byEvents = pace.incremental / ((eventsATicket(learnt) + 1) / EVENTS_A_PAGE)
  return pace.account / (pace.account + byEvents)
}

function expectedEvents(facts: PageFacts): number {
  return facts.rows * eventsATicket(facts)
}

function eventsATicket({ eventsRead, rowsRead }: Learnt): number {
  return rowsRead < LEARNT_ROWS ? EVENTS_A_TICKET : eventsRead / rowsRead
}

/** Requests of both limits go out side by side. */
function wayOf(requests: Pace, pace: Pace): Way {
  const minutes = Math.max(requests.account / pace.account, requests.incremental / pace.incremental)
  return { requests: round(requests.account + requests.incremental), minutes: round(minutes) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
