import { ZendeskShapeError } from '../../platform/errors.ts'
import { addToPlan } from '../../run/plan-store.ts'
import type { ExportPosition } from '../../zendesk/tickets.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'
import { judge } from '../settle/decide.ts'
import { newestInstant } from '../page.ts'
import { termsOf } from '../settle/terms.ts'
import { type Pass, type PassDeps, storeTicketsOnce } from '../store-tickets-once.ts'
import type { Chunk } from './lanes.ts'
import { moveBackLane } from './store.ts'

/** A little more than is expected in a chunk, so that it comes on one page. */
const SPARE = 1.2

/** A part of the window with its tickets. */
export interface Taken {
  readonly chunk: Chunk
  readonly tickets: readonly ExportedTicket[]
}

/**
 * Makes our rows agree with the tickets of one part of the window, by their comments. The lane moves
 * to the start of the part in the transaction that stores the last of them. Returns whether that was
 * before the end of the slice.
 */
export async function chunkOnce(
  deps: PassDeps,
  pass: Pass,
  { chunk, tickets }: Taken,
): Promise<boolean> {
  const terms = termsOf(pass, Date.now())
  const needing = tickets.filter((it) => judge(it, undefined, terms).kind === 'comments needed')
  const nothing = { requests: 0, minutes: 0 }
  return storeTicketsOnce(deps, pass, {
    tickets,
    kind: 'page',
    isAside: true,
    complete: async (trx) => {
      await moveBackLane(trx, pass.integration.id, new Date(chunk.from))
      await addToPlan(trx, pass.run.id, {
        channel: 'comments',
        ways: { events: nothing, comments: nothing },
        tickets: { events: 0, comments: needing.length },
      })
    },
  })
}

/** All tickets of one part of the window, page by page. */
export async function exportChunk(
  { zendesk }: PassDeps,
  { account, signal }: Pass,
  chunk: Chunk,
  expected: number,
): Promise<Taken> {
  const { from, until } = chunk
  const wished = Math.min(1_000, Math.ceil(expected * SPARE) + 10)
  const tickets: ExportedTicket[] = []
  let position: ExportPosition = { startAt: new Date(from) }
  let startedAt = from
  for (;;) {
    const newest = newestInstant(tickets)?.getTime() ?? from
    if (newest >= until) break
    try {
      const page = await zendesk.exportTickets(account, position, { pageSize: wished, signal })
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
  return { chunk, tickets: tickets.filter(isWithin) }
}
