import { ZendeskShapeError } from '../../platform/errors.ts'
import { reconcileLog as log } from '../../platform/log.ts'
import { assertLease } from '../../run/lease-store.ts'
import { largerPage } from '../../zendesk/tickets.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { type Stream, findStream, moveStream, stageEvents } from './store.ts'

/**
 * So long a slice waits for the events of the page that it is at: that page of the export would have
 * to be asked for again, out of the same small limit.
 */
const OVERTIME_MS = 120_000

/**
 * Reads the event stream until it is beyond an instant, or at its end. What each page says of public
 * comments is staged in the transaction that moves the position: a crash repeats a page, in which
 * every event is recognised by its number. Where Zendesk answers in a form that we do not know it is
 * given up: comments can be read without the stream.
 */
export async function streamOnce(
  deps: PassDeps,
  pass: Pass,
  until: Date,
): Promise<'read' | 'slice over' | 'given up'> {
  const startedAt = performance.now()
  try {
    for (;;) {
      const stream = await findStream(deps.db, pass.integration.id)
      if (stream === undefined || stream.readUntil.toMillis() > until.getTime()) return 'read'
      if ((await readPageOnce(deps, pass, stream)) === 'end of stream') return 'read'
      if (pass.isOver() && performance.now() - startedAt > OVERTIME_MS) return 'slice over'
    }
  } catch (error) {
    if (!(error instanceof ZendeskShapeError)) throw error
    const { run, integration } = pass
    const fields = { integrationId: integration.id, runId: run.id, err: error }
    log.warn(fields, 'ticket events not understood, comments are read ticket by ticket')
    return 'given up'
  }
}

/** Events read ahead of the export wait in the database: so many pages of it, at most. */
const PAGES_AHEAD = 20

/**
 * Reads on while the tickets of a page are settled, for the two have limits of their own. Whatever
 * stops it meets whoever needs the events next.
 */
export function readAhead(
  deps: PassDeps,
  pass: Pass,
  isWanted: (readUntil: number) => boolean,
): AsyncDisposable {
  let isOver = false
  const goesOn = (readUntil: number): boolean => !isOver && isWanted(readUntil)
  const reading = readOn(deps, pass, goesOn).catch((error: unknown) => {
    log.debug({ integrationId: pass.integration.id, err: error }, 'reading ahead was given up')
  })
  return {
    [Symbol.asyncDispose]: async () => {
      isOver = true
      await reading
    },
  }
}

async function readOn(
  deps: PassDeps,
  pass: Pass,
  goesOn: (readUntil: number) => boolean,
): Promise<void> {
  for (let pages = 0; pages < PAGES_AHEAD; pages++) {
    const stream = await findStream(deps.db, pass.integration.id)
    if (stream === undefined || !goesOn(stream.readUntil.toMillis())) return
    if ((await readPageOnce(deps, pass, stream)) === 'end of stream') return
  }
}

async function readPageOnce(
  { db, zendesk }: PassDeps,
  { account, integration, lease, signal }: Pass,
  { readUntil, pageSize }: Stream,
): Promise<'more' | 'end of stream'> {
  signal.throwIfAborted()
  const page = await zendesk.exportEvents(account, readUntil.toJSDate(), { pageSize, signal })
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await stageEvents(trx, integration.id, page.events)
    const place = { endAt: page.endAt, pageSize: largerPage(page.pageSize) }
    await moveStream(trx, integration.id, { ...place, events: page.events.length })
  })
  return page.endOfStream ? 'end of stream' : 'more'
}
