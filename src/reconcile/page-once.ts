import type { Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type Cursor, moveCursor, readCursor, restartCursor, shrinkPage } from '../cursor/store.ts'
import { DatabaseError, ZendeskShapeError } from '../platform/errors.ts'
import { reconcileLog as log } from '../platform/log.ts'
import { assertLease } from '../run/lease-store.ts'
import { type ExportPosition, largerPage } from '../zendesk/tickets.ts'
import type { TicketPage } from '../zendesk/types.ts'
import { chooseOnce } from './events/choose-once.ts'
import { readAhead } from './events/stream-once.ts'
import { type Lanes, takeFront } from './lanes/lanes.ts'
import { assertForward, leadsOn, newestInstant } from './page.ts'
import { type Pass, type PassDeps, storeTicketsOnce } from './store-tickets-once.ts'

/**
 * Makes our rows agree with one page of the ticket export. In comes the stored cursor; out go ticket
 * rows, transcripts, outbox entries and the cursor behind the page, which moves in the transaction
 * that stores the last of the page: a crash anywhere repeats the page. Where another reader has taken
 * up the end of the window, the page is followed as far as that, and the cursor stays before it.
 */
export async function pageOnce(
  deps: PassDeps,
  pass: Pass,
  lanes?: Lanes,
): Promise<'more' | 'met' | 'end of stream'> {
  const cursor = await readCursor(deps.db, pass.integration.id, pass.run.stream)
  if (cursor === undefined) {
    throw new DatabaseError(`integration ${pass.integration.id} has no cursor row`)
  }
  try {
    const page = await readPage(deps, pass, cursor)
    assertForward(cursor, page)
    const tickets = lanes === undefined ? page.tickets : takeFront(lanes, page.tickets)
    lanes?.onTaken?.(!page.endOfStream)
    const isWhole = tickets.length === page.tickets.length
    const isComplete = await storePage(deps, pass, { ...page, tickets, isWhole }, lanes)
    if (!isComplete) return 'more'
    if (!isWhole) return 'met'
    return page.endOfStream ? 'end of stream' : 'more'
  } catch (error) {
    if (!(error instanceof ZendeskShapeError) || !error.refusesCursor) throw error
    await forgetCursor(deps, pass, error)
    if (!leadsOn(cursor)) throw error
    return 'more'
  }
}

/** A page, or the part of it that is not another reader's. */
interface PartOfPage extends TicketPage {
  readonly isWhole: boolean
}

async function storePage(
  deps: PassDeps,
  pass: Pass,
  page: PartOfPage,
  lanes: Lanes | undefined,
): Promise<boolean> {
  const { tickets, isWhole } = page
  const prepared = await chooseOnce(deps, pass, tickets)
  if (prepared === 'slice over') return false
  const { channel, gather, complete } = prepared
  const isBefore = (readUntil: number): boolean => readUntil < (lanes?.back ?? Infinity)
  await using _ahead = channel === 'events' ? readAhead(deps, pass, isBefore) : undefined
  const histories = await gather()
  return storeTicketsOnce(deps, pass, {
    tickets,
    kind: 'page',
    histories,
    complete: async (trx) => {
      if (isWhole) await completePage(trx, pass, page)
      await complete(trx)
    },
  })
}

/** The size that came through is remembered at once: halving a page can take longer than a slice. */
async function readPage(
  { db, zendesk }: PassDeps,
  { account, integration, run, signal }: Pass,
  cursor: Cursor,
): Promise<TicketPage> {
  let { pageSize } = cursor
  const onSmaller = (smaller: number): void => {
    pageSize = smaller
  }
  try {
    return await zendesk.exportTickets(account, positionOf(cursor), { pageSize, signal, onSmaller })
  } finally {
    if (pageSize < cursor.pageSize) {
      await shrinkPage(db, integration.id, { stream: run.stream, pageSize })
    }
  }
}

async function completePage(
  trx: Transaction<Database>,
  { integration, run: { stream } }: Pass,
  page: TicketPage,
): Promise<void> {
  const generatedAt = newestInstant(page.tickets)
  const pageSize = largerPage(page.pageSize)
  await moveCursor(trx, integration.id, { ...page, stream, generatedAt, pageSize })
}

/** A cursor has no promised life; the instants of the export have. */
async function forgetCursor(
  { db }: PassDeps,
  { integration, run, lease }: Pass,
  error: ZendeskShapeError,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await restartCursor(trx, integration.id, run.stream)
  })
  const fields = { integrationId: integration.id, runId: run.id, err: error }
  log.warn(fields, 'cursor refused, starting again from the newest instant seen')
}

function positionOf(cursor: Cursor): ExportPosition {
  return cursor.afterCursor === null
    ? { startAt: cursor.startAt.toJSDate() }
    : { cursor: cursor.afterCursor }
}
