import { readCursor, skipTo } from '../../cursor/store.ts'
import { assertLease } from '../../run/lease-store.ts'
import { reachOf } from '../../run/progress/pace.ts'
import { type Run, findRun } from '../../run/store.ts'
import { readPace } from '../../zendesk/budget/limit-store.ts'
import { SETTLING_MS } from '../events/history.ts'
import { dropAllStaged, findStream, startStream } from '../events/store.ts'
import { commentsShare } from '../plan-comments.ts'
import { termsOf } from '../settle/terms.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { exportChunk, partOnce } from './chunk-once.ts'
import { type Lanes, type Part, partsOf, takeBack } from './lanes.ts'
import { closeBackLane, findBackLane, openBackLane } from './store.ts'

/** The export holds its last minute back, and clocks differ: the lane begins before that. */
const HIDDEN_MS = 120_000

/** Minutes in which a chunk should be read to its end: a slice may be over before. */
const CHUNK_MINUTES = 5

/** Nearly a page of the export, so that a chunk costs one request even where there are more tickets. */
const LARGEST_CHUNK = 900

/** One more page from the front; it keeps out of what the other reader has taken up. */
export type FrontPage = (lanes: Lanes) => Promise<'more' | 'met' | 'end of stream'>

/**
 * Reads a window from both of its ends at once: from its start with the event stream, from its end
 * ticket by ticket, each within the share of its own limit, until they meet. Then the export goes on
 * where the window ended when the second reader began, a little before it to be sure, with what has
 * changed since. The second reader begins once the first has seen that there is more than a page. Both
 * store how far they have come by themselves, so that a crash, another worker or the end of a slice
 * costs each of them at most the page that it was at.
 */
export async function lanesOnce(
  deps: PassDeps,
  pass: Pass,
  frontPage: FrontPage,
): Promise<'met' | 'end of stream' | 'slice over'> {
  const window = await windowOf(deps, pass)
  if (window === undefined) return 'met'
  const { lanes, begins, begin } = window
  const end = await sideBySide(
    pass,
    (both) => readFront(both, () => frontPage(lanes)).finally(() => begin(false)),
    async (both) => ((await begins) ? readBack(deps, both, lanes) : 'met'),
  )
  if (end === 'met') await meet(deps, pass)
  return end
}

interface Window {
  readonly lanes: Lanes
  /** Whether there is something to read from the end. */
  readonly begins: Promise<boolean>
  readonly begin: (begins: boolean) => void
}

/** The window of an import that shall be over soon; undefined if it is not to be read from both ends. */
async function windowOf({ db }: PassDeps, pass: Pass): Promise<Window | undefined> {
  const { integration } = pass
  // What is imported again is read in one go, beside the place of the syncs.
  if (pass.run.stream === 'window') return undefined
  const lane = await findBackLane(db, integration.id)
  const run = (await findRun(db, pass.run.id)) ?? pass.run
  if (lane === undefined && !isFast(pass, run)) return undefined
  const { promise: begins, resolve: begin } = Promise.withResolvers<boolean>()
  if (lane !== undefined) begin(true)
  const cursor = await readCursor(db, integration.id)
  const front = cursor?.generatedAt ?? cursor?.startAt
  const lanes = {
    front: front?.toMillis() ?? 0,
    back: lane?.doneFrom.toMillis() ?? Infinity,
    density: lane === undefined ? 0 : densityOf(run),
    page: 0,
    onTaken: begin,
  }
  return { lanes, begins, begin }
}

function isFast(pass: Pass, { kind, plan }: Run): boolean {
  const isFirst = plan.pages.events === 0 && plan.pages.comments === 0
  return (
    kind === 'backfill' && plan.aim === 'fast' && isFirst && !termsOf(pass, Date.now()).isCareful
  )
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

/** The tickets of the next chunk are asked for while the last comments of one are read. */
async function readBack(deps: PassDeps, pass: Pass, lanes: Lanes): Promise<'met' | 'slice over'> {
  if (lanes.back === Infinity) await open(deps, pass, lanes)
  let next = takeChunk(deps, pass, lanes, 0)
  try {
    for (;;) {
      const taken = await next
      if (taken === 'met' || taken === 'slice over') return taken
      for (const [index, part] of taken.entries()) {
        pass.signal.throwIfAborted()
        if (index === taken.length - 1) {
          next = takeChunk(deps, pass, lanes, part.tickets.length)
          next.catch(() => {})
        }
        if (pass.isOver() || !(await partOnce(deps, pass, part))) return 'slice over'
      }
    }
  } finally {
    // What was asked for ends before the lease is given back.
    await next.catch(() => {})
  }
}

async function open({ db }: PassDeps, { integration, lease }: Pass, lanes: Lanes): Promise<void> {
  const endsAt = new Date(Date.now() - HIDDEN_MS)
  lanes.back = endsAt.getTime()
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await openBackLane(trx, integration.id, endsAt)
  })
}

async function takeChunk(
  deps: PassDeps,
  pass: Pass,
  lanes: Lanes,
  inHand: number,
): Promise<readonly Part[] | 'met' | 'slice over'> {
  const pace = await readPace(deps.db, pass.account)
  const stream = await findStream(deps.db, pass.integration.id)
  const share = commentsShare(stream ?? { eventsRead: 0, rowsRead: 0 }, pace)
  const most = Math.min(pace.account * CHUNK_MINUTES, LARGEST_CHUNK)
  const chunk = takeBack(lanes, { share, most, inHand })
  if (chunk === undefined) return 'met'
  const tickets = await exportChunk(deps, pass, chunk)
  if (tickets === undefined) {
    // The other reader may go as far as it likes; the next slice shares out what it leaves.
    lanes.back = chunk.until
    return 'slice over'
  }
  lanes.density = Math.max(1, tickets.length) / (chunk.until - chunk.from)
  return partsOf(chunk, tickets)
}

/** Tickets of a millisecond of the window, as far as it has been read. */
function densityOf(run: Run): number {
  const span = (reachOf(run) ?? 0) - run.windowFrom.toMillis()
  return Math.max(1, run.ledger.seen) / Math.max(1_000, span)
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

/** All of the window is settled. Of the event stream, what lies behind does not count any more. */
async function meet({ db }: PassDeps, pass: Pass): Promise<void> {
  const { integration, lease } = pass
  const lane = await findBackLane(db, integration.id)
  if (lane === undefined) return
  const { endsAt } = lane
  const from = new Date(endsAt.toMillis() - SETTLING_MS)
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await skipTo(trx, integration.id, from)
    await closeBackLane(trx, pass, from)
    await dropAllStaged(trx, integration.id)
    await startStream(trx, integration.id, from)
  })
}
