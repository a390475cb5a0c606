import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { TicketId } from '../../ids.ts'
import { assertLease } from '../../run/lease-store.ts'
import { addToPlan } from '../../run/plan-store.ts'
import type { Channel } from '../../run/plan.ts'
import { readKnownTickets } from '../../ticket/store.ts'
import { readPace } from '../../zendesk/budget/limit-store.ts'
import type { ExportedTicket, TicketComments } from '../../zendesk/types.ts'
import { judge } from '../settle/decide.ts'
import { newestInstant, newestRows } from '../page.ts'
import { type PageChoice, planPage } from '../plan-comments.ts'
import { termsOf } from '../settle/terms.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { historiesOnce } from './histories-once.ts'
import { canBeWhole } from './history.ts'
import { type Stream, countRows, findStream, startStream } from './store.ts'
import { streamOnce } from './stream-once.ts'

/** How the comments of a page are read. */
export interface Prepared {
  readonly channel: Channel
  /** The conversations that the stream has told whole. */
  readonly gather: () => Promise<ReadonlyMap<TicketId, TicketComments>>
  /** Written with the last ticket of the page. */
  readonly complete: (trx: Transaction<Database>) => Promise<void>
}

/**
 * Chooses how the comments of a page of the export are read, and reads the event stream up to the
 * newest of its tickets if that is the cheaper way. What the stream cannot tell of is left to the
 * comments endpoint.
 */
export async function chooseOnce(
  deps: PassDeps,
  pass: Pass,
  page: readonly ExportedTicket[],
): Promise<Prepared | 'slice over'> {
  const tickets = newestRows(page)
  const until = newestInstant(tickets)
  const stream = await findOrStartStream(deps, pass)
  const known = await readKnownTickets(
    deps.db,
    pass.integration.id,
    tickets.map((ticket) => ticket.id),
  )
  const terms = termsOf(pass, Date.now())
  const { isCareful } = terms
  const needing = tickets.filter(
    (ticket) => judge(ticket, known.get(ticket.id), terms).kind === 'comments needed',
  )
  const whole = needing.filter((it) => canBeWhole(it, known.get(it.id), stream.wholeSince))
  const choice = await choose(deps, pass, { stream, needing, whole, until, isCareful })
  const reading =
    choice.channel === 'events' && (await streamOnce(deps, pass, until ?? new Date(0)))
  if (reading === 'slice over') return reading
  const isRead = reading === 'read'
  let told = 0
  return {
    channel: isRead ? 'events' : 'comments',
    gather: async () => {
      const histories = await historiesOnce(deps, pass, isRead ? whole : [], known)
      told = histories.size
      return histories
    },
    complete: async (trx) => {
      await countRows(trx, pass.integration.id, { count: needing.length, wereRead: isRead })
      const tickets = { events: told, comments: needing.length - told }
      const channel = isRead ? 'events' : 'comments'
      await addToPlan(trx, pass.run.id, { ...choice, channel, tickets })
    },
  }
}

interface Weighed {
  readonly stream: Stream
  readonly needing: readonly ExportedTicket[]
  readonly whole: readonly ExportedTicket[]
  readonly until: Date | null
  readonly isCareful: boolean
}

async function choose(
  { db }: PassDeps,
  { account }: Pass,
  { stream, needing, whole, until, isCareful }: Weighed,
): Promise<PageChoice> {
  const facts = {
    needing: needing.length,
    whole: whole.length,
    rows: stream.rowsBehind + needing.length,
    isRead: until === null || stream.readUntil.toMillis() > until.getTime(),
    eventsRead: stream.eventsRead,
    rowsRead: stream.rowsRead,
    isCareful,
  }
  return planPage(facts, await readPace(db, account))
}

async function findOrStartStream(
  { db }: PassDeps,
  { integration, run, lease }: Pass,
): Promise<Stream> {
  const found = await findStream(db, integration.id)
  if (found !== undefined) return found
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await startStream(trx, integration.id, run.windowFrom.toJSDate())
  })
  const started = await findStream(db, integration.id)
  if (started === undefined) throw new Error('the event stream has no row')
  return started
}
