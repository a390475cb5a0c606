import { readCursor, skipTo } from '../../cursor/store.ts'
import { assertLease } from '../../run/lease-store.ts'
import { findRun } from '../../run/store.ts'
import { readPace } from '../../zendesk/budget/limit-store.ts'
import { SETTLING_MS } from '../events/history.ts'
import { dropAllStaged, startStream } from '../events/store.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { type Taken, chunkOnce, exportChunk } from './chunk-once.ts'
import { type Lanes, takeBack } from './lanes.ts'
import { type BackLane, closeBackLane, findBackLane, openBackLane } from './store.ts'

/** The export holds its last minute back, and clocks differ: the lane begins before that. */
const HIDDEN_MS = 120_000

/** Minutes of a slice, in which a chunk should be read to its end. */
const SLICE_MINUTES = 2

/** A page of the export, so that a chunk takes no more memory than the other reader's page. */
const LARGEST_CHUNK = 1_000

/** One more page from the front; it keeps out of what the other reader has taken up. */
export type FrontPage = (lanes: Lanes) => Promise<'more' | 'met' | 'end of stream'>

/**
 * Reads a window from both of its ends at once: from its start with the event stream, from its end
 * ticket by ticket, each within the share of its own limit, until they meet. Then the export goes on
 * where the window ended when the second reader began, a little before it to be sure, with what has
 * changed since. Both readers store how far they have come by themselves, so that a crash, another
 * worker or the end of a slice costs each of them at most the page that it was at.
 */
export async function lanesOnce(
  deps: PassDeps,
  pass: Pass,
  frontPage: FrontPage,
): Promise<'met' | 'end of stream' | 'slice over'> {
  const lane = await openedLane(deps, pass)
  if (lane === undefined) return 'met'
  const cursor = await readCursor(deps.db, pass.integration.id)
  const front = cursor?.generatedAt ?? cursor?.startAt
  const lanes = { front: front?.toMillis() ?? 0, back: lane.doneFrom.toMillis() }
  const end = await sideBySide(
    pass,
    (both) => readFront(both, () => frontPage(lanes)),
    (both) => readBack(deps, both, lanes),
  )
  if (end === 'met') await meet(deps, pass, lane)
  if (end === 'end of stream') await close(deps, pass)
  return end
}

/**
 * The lane of an import that shall be over soon, once a page of it has shown that the event stream
 * pays; undefined if there is none to read.
 */
async function openedLane(
  { db }: PassDeps,
  { run, integration, lease }: Pass,
): Promise<BackLane | undefined> {
  const found = await findBackLane(db, integration.id)
  if (found !== undefined) return found
  const { plan } = (await findRun(db, run.id)) ?? run
  const isFirst = plan.pages.events === 1 && plan.pages.comments === 0
  if (run.kind !== 'backfill' || plan.aim !== 'fast' || !isFirst) return undefined
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await openBackLane(trx, integration.id, new Date(Date.now() - HIDDEN_MS))
  })
  return findBackLane(db, integration.id)
}

type FrontEnd = 'met' | 'end of stream' | 'slice over'

async function readFront(
  pass: Pass,
  page: () => Promise<'more' | 'met' | 'end of stream'>,
): Promise<FrontEnd> {
  while (!pass.isOver()) {
    pass.signal.throwIfAborted()
    const end = await page()
    if (end !== 'more') return end
  }
  return 'slice over'
}

/** The tickets of the next chunk are asked for while the comments of one are read. */
async function readBack(deps: PassDeps, pass: Pass, lanes: Lanes): Promise<'met' | 'slice over'> {
  let density = await densityOf(deps, pass)
  const take = async (): Promise<Taken | undefined> => {
    const { account } = await readPace(deps.db, pass.account)
    const most = Math.min(account * SLICE_MINUTES, LARGEST_CHUNK)
    const chunk = takeBack(lanes, { density, most })
    if (chunk === undefined) return undefined
    const span = chunk.until - chunk.from
    const taken = await exportChunk(deps, pass, chunk, density * span)
    density = (density + Math.max(1, taken.tickets.length) / span) / 2
    return taken
  }
  let next = take()
  try {
    while (!pass.isOver()) {
      pass.signal.throwIfAborted()
      const taken = await next
      if (taken === undefined) return 'met'
      next = take()
      next.catch(() => {})
      if (!(await chunkOnce(deps, pass, taken))) return 'slice over'
    }
    return 'slice over'
  } finally {
    // What was asked for ends before the lease is given back.
    await next.catch(() => {})
  }
}

/** Tickets of a millisecond of the window, as far as it has been read. */
async function densityOf({ db }: PassDeps, { run }: Pass): Promise<number> {
  const { ledger, reachedAt, windowFrom } = (await findRun(db, run.id)) ?? run
  const span = reachedAt === null ? 0 : reachedAt.toMillis() - windowFrom.toMillis()
  return Math.max(1, ledger.seen) / Math.max(1_000, span)
}

/**
 * Neither reader is left alone with an error of the other: what it is at comes to its end and is
 * stored. The end of the stream ends both: then nothing lies between them.
 */
async function sideBySide(
  pass: Pass,
  front: (pass: Pass) => Promise<FrontEnd>,
  back: (pass: Pass) => Promise<'met' | 'slice over'>,
): Promise<FrontEnd> {
  let isStopped = false
  const both = { ...pass, isOver: () => isStopped || pass.isOver() }
  const stop = (): void => {
    isStopped = true
  }
  const reading = front(both)
  const following = back(both)
  reading.then((end) => end === 'end of stream' && stop(), stop)
  following.catch(stop)
  const [frontEnd, backEnd] = await Promise.allSettled([reading, following])
  if (frontEnd.status === 'rejected') throw frontEnd.reason
  if (backEnd.status === 'rejected') throw backEnd.reason
  if (frontEnd.value === 'end of stream') return 'end of stream'
  return backEnd.value === 'met' ? frontEnd.value : 'slice over'
}

/** The one reader came to the end of the export, and the other had nothing to do. */
async function close({ db }: PassDeps, { integration, lease }: Pass): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await closeBackLane(trx, integration.id)
  })
}

/** All of the window is settled. Of the event stream, what lies behind does not count any more. */
async function meet({ db }: PassDeps, pass: Pass, { endsAt }: BackLane): Promise<void> {
  const { integration, lease } = pass
  const from = new Date(endsAt.toMillis() - SETTLING_MS)
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await skipTo(trx, integration.id, from)
    await closeBackLane(trx, integration.id)
    await dropAllStaged(trx, integration.id)
    await startStream(trx, integration.id, from)
  })
}
