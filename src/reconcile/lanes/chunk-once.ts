import { ZendeskShapeError } from '../../platform/errors.ts'
import { addToPlan } from '../../run/plan-store.ts'
import { readPace } from '../../zendesk/budget/limit-store.ts'
import type { ExportPosition } from '../../zendesk/tickets.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'
import { findStream } from '../events/store.ts'
import { newestInstant } from '../page.ts'
import { type PageChoice, planPage } from '../plan-comments.ts'
import { judge } from '../settle/decide.ts'
import { termsOf } from '../settle/terms.ts'
import { type Pass, type PassDeps, storeTicketsOnce } from '../store-tickets-once.ts'
import type { Chunk, Part } from './lanes.ts'
import { moveBackLane } from './store.ts'

/** All that a page can hold, so that a chunk costs one request and seldom two. */
const PAGE_SIZE = 1_000

/**
 * Makes our rows agree with some tickets from the end of the window, by their comments. The lane moves
 * to where they begin in the transaction that stores the last of them. Returns whether that was before
 * the end of the slice.
 */
export async function partOnce(
  deps: PassDeps,
  pass: Pass,
  { from, tickets }: Part,
): Promise<boolean> {
  const terms = termsOf(pass, Date.now())
  const needing = tickets.filter((it) => judge(it, undefined, terms).kind === 'comments needed')
  const ways = await projected(deps, pass, needing.length)
  return storeTicketsOnce(deps, pass, {
    tickets,
    kind: 'page',
    isAside: true,
    complete: async (trx) => {
      await moveBackLane(trx, pass, new Date(from))
      await addToPlan(trx, pass.run.id, {
        channel: 'comments',
        ways,
        tickets: { events: 0, comments: needing.length },
      })
    },
  })
}

/** What the tickets would take by either channel. */
async function projected(
  { db }: PassDeps,
  { account, integration }: Pass,
  tickets: number,
): Promise<PageChoice['ways']> {
  const { eventsRead = 0, rowsRead = 0 } = (await findStream(db, integration.id)) ?? {}
  const facts = { needing: tickets, whole: tickets, rows: tickets, isRead: false, isCareful: false }
  return planPage({ ...facts, eventsRead, rowsRead }, await readPace(db, account)).ways
}

/**
 * So many tickets that come instead of a page or two are no chunk: a change of Zendesk's own can put
 * all tickets of an account into one hour, and the slice and the memory have an end.
 */
const MOST_TICKETS = 5_000

/** All tickets of a chunk, page by page; undefined if there are too many, or the slice is over before. */
export async function exportChunk(
  { zendesk }: PassDeps,
  { account, signal, isOver }: Pass,
  chunk: Chunk,
): Promise<ExportedTicket[] | undefined> {
  const { from, until } = chunk
  const tickets: ExportedTicket[] = []
  let position: ExportPosition = { startAt: new Date(from) }
  let startedAt = from
  for (;;) {
    const newest = newestInstant(tickets)?.getTime() ?? from
    if (newest >= until) break
    if (isOver() || tickets.length >= MOST_TICKETS) return undefined
    try {
      const page = await zendesk.exportTickets(account, position, {
        pageSize: PAGE_SIZE,
        signal,
      })
      tickets.push(...page.tickets)
      if (page.endOfStream || page.afterCursor === null) break
      position = { cursor: page.afterCursor }
    } catch (error) {
      // Instants are as good as cursors, as long as they lead on.
      const isRefused = error instanceof ZendeskShapeError && error.refusesCursor
      if (!isRefused || newest < startedAt + 1_000) throw error
      startedAt = newest
      position = { startAt: new Date(newest) }
    }
  }
  const isWithin = ({ generatedAt }: ExportedTicket): boolean =>
    generatedAt.toMillis() >= from && generatedAt.toMillis() < until
  return tickets.filter(isWithin)
}
