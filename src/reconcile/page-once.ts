import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type Cursor, moveCursor, readCursor, restartCursor } from '../cursor/store.ts'
import type { Integration } from '../integration/integration.ts'
import type { TicketId } from '../ids.ts'
import { appendEntries } from '../outbox/store.ts'
import { DatabaseError, ZendeskShapeError } from '../platform/errors.ts'
import { reconcileLog as log } from '../platform/log.ts'
import { type Lease, assertLease } from '../run/lease-store.ts'
import { type Run, addRequests, addToLedger, finishRun } from '../run/store.ts'
import { type KnownTicket, readKnownTickets, saveTickets } from '../ticket/store.ts'
import { saveRetractions, saveRevisions } from '../transcript/store.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { ZendeskClient } from '../zendesk/client.ts'
import { type ExportPosition, largerPage } from '../zendesk/tickets.ts'
import type { ExportedTicket, TicketPage, ZendeskAccount } from '../zendesk/types.ts'
import { type Change, decide, judge, ledgerOf } from './decide.ts'
import { gather } from './gather.ts'
import { cutBySize, newestInstant, newestRows, outcomeOf, toEntries, toTicketRow } from './page.ts'
import { assertExportAllowed, reasonToSetAside } from './set-aside-once.ts'

export interface PageDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
}

/** Whose page, for which run, under which lease, and until when. */
export interface Pass {
  readonly run: Run
  readonly integration: Integration
  readonly workspace: Workspace
  readonly account: ZendeskAccount
  readonly lease: Lease
  readonly signal: AbortSignal
  /** `performance.now()` after which no further ticket is started. */
  readonly deadline: number
}

/**
 * Requests in flight for one integration. Zendesk answers in 100 to 300 ms, so that sixteen use up
 * the largest limit (2,500 a minute) at a share of 1; the budget holds back what is too much.
 */
const CONCURRENCY = 16

/** A portion is stored when it has this many tickets, or this many turns, or this age. */
const PORTION_TICKETS = 100
const PORTION_TURNS = 5_000
const PORTION_AGE_MS = 5_000

/**
 * Makes our rows agree with one page of the ticket export. In comes the stored cursor; out go ticket
 * rows, transcripts, outbox entries and the cursor behind the page. The page is stored in portions,
 * each in one transaction, and the cursor moves with the last of them: a crash anywhere repeats the
 * page, in which what was stored is recognised and costs no second request. Returns whether the end
 * of the stream was reached, which ends the run in that same transaction.
 */
export async function pageOnce(deps: PageDeps, pass: Pass): Promise<'more' | 'end of stream'> {
  const cursor = await readCursor(deps.db, pass.integration.id)
  if (cursor === undefined) {
    throw new DatabaseError(`integration ${pass.integration.id} has no cursor row`)
  }
  try {
    const from = positionOf(cursor)
    const { pageSize } = cursor
    const { signal } = pass
    const page = await deps.zendesk.exportTickets(pass.account, from, { pageSize, signal })
    const complete = await storePage(deps, pass, { page, from })
    return complete && page.endOfStream ? 'end of stream' : 'more'
  } catch (error) {
    if (!(error instanceof ZendeskShapeError) || !error.refusesCursor) throw error
    await forgetCursor(deps, pass, error)
    return 'more'
  } finally {
    const requests = deps.zendesk.takeRequestCounts(pass.integration.id)
    await addRequests(deps.db, pass.run.id, requests)
  }
}

/** A cursor has no promised life; the instants of the export have. */
async function forgetCursor(
  { db }: PageDeps,
  { integration, run, lease }: Pass,
  error: ZendeskShapeError,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await restartCursor(trx, integration.id)
  })
  const fields = { integrationId: integration.id, runId: run.id, err: error }
  log.warn(fields, 'cursor refused, starting again from the newest instant seen')
}

/** Stores each portion while the next one is read; the last one waits for the page to be complete. */
async function storePage(
  deps: PageDeps,
  pass: Pass,
  { page, from }: { readonly page: TicketPage; readonly from: ExportPosition },
): Promise<boolean> {
  const rows = newestRows(page.tickets)
  const known = await readKnownTickets(
    deps.db,
    pass.integration.id,
    rows.map((row) => row.id),
  )
  const portions = gather(rows, (row) => settle(deps, pass, row, known), portionLimits(pass))
  let storing = Promise.resolve()
  let held: Change[] = []
  let hasSetAside = false
  for (;;) {
    const next = await portions.next().catch(async (error: unknown) => {
      await storing
      await store(deps, pass, held, undefined)
      throw error
    })
    await storing
    hasSetAside ||= held.some((change) => outcomeOf(change) === 'quarantined')
    if (next.done === true) {
      if (next.value && hasSetAside) {
        await store(deps, pass, held, undefined)
        held = []
        await assertExportAllowed(deps, pass, from)
      }
      await store(deps, pass, held, next.value ? page : undefined)
      return next.value
    }
    storing = store(deps, pass, held, undefined)
    // Awaited above; until then a failure must not count as unhandled.
    storing.catch(() => {})
    held = next.value
  }
}

async function settle(
  deps: PageDeps,
  pass: Pass,
  ticket: ExportedTicket,
  allKnown: ReadonlyMap<TicketId, KnownTicket>,
): Promise<Change> {
  const known = allKnown.get(ticket.id)
  const { filters } = pass.workspace
  const verdict = judge(ticket, known, { filters, setAsideSince: pass.run.startedAt })
  if (verdict.kind === 'settled') return verdict.change
  try {
    const { signal } = pass
    const read = await deps.zendesk.listComments(pass.account, ticket.id, { signal })
    return decide(ticket, known, read)
  } catch (error) {
    const reason = await reasonToSetAside(deps, pass, ticket.id, error)
    if (reason === undefined) throw error
    return { kind: 'quarantined', ticket, reason }
  }
}

/** `page` is given with the last portion of a page and moves the cursor behind it. */
async function store(
  deps: PageDeps,
  pass: Pass,
  changes: readonly Change[],
  page: TicketPage | undefined,
): Promise<void> {
  const portions = cutBySize(changes)
  for (const [index, portion] of portions.entries()) {
    const isLast = index === portions.length - 1
    await commit(deps, pass, portion, isLast ? page : undefined)
  }
}

/** One transaction. */
async function commit(
  deps: PageDeps,
  { run, integration, workspace, lease }: Pass,
  changes: readonly Change[],
  page: TicketPage | undefined,
): Promise<void> {
  if (changes.length === 0 && page === undefined) return
  const published = changes.filter((change) => change.kind === 'published')
  const owner = { workspaceId: workspace.id, integrationId: integration.id }
  await deps.db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    await saveTickets(trx, integration.id, changes.map(toTicketRow))
    await saveRevisions(
      trx,
      owner,
      published.map(({ ticket, ...revision }) => ({ ticketId: ticket.id, ...revision })),
    )
    const entries = toEntries(integration.id, changes)
    await saveRetractions(
      trx,
      integration.id,
      entries.filter((entry) => entry.type === 'transcript.retracted'),
    )
    await addToLedger(trx, run.id, {
      ledger: ledgerOf(changes),
      pages: page === undefined ? 0 : 1,
      reachedAt: newestInstant(changes.map((change) => change.ticket)),
    })
    if (page !== undefined) {
      const generatedAt = newestInstant(page.tickets)
      const pageSize = largerPage(page.pageSize)
      await moveCursor(trx, integration.id, { ...page, generatedAt, pageSize })
      if (page.endOfStream) await finishRun(trx, run.id)
    }
    // Last, for it takes the lock that orders the workspace's publications.
    if (entries.length > 0) await appendEntries(trx, workspace.id, entries)
  })
}

function portionLimits(pass: Pass) {
  let startedAt = performance.now()
  return {
    concurrency: CONCURRENCY,
    isOver: () => performance.now() > pass.deadline,
    isFull: (changes: readonly Change[]) => {
      const turns = changes.reduce(
        (sum, change) => sum + (change.kind === 'published' ? change.transcript.turns.length : 0),
        0,
      )
      const now = performance.now()
      const full =
        changes.length >= PORTION_TICKETS ||
        turns >= PORTION_TURNS ||
        (changes.length > 0 && now - startedAt > PORTION_AGE_MS)
      if (full) startedAt = now
      return full
    },
  }
}

function positionOf(cursor: Cursor): ExportPosition {
  return cursor.afterCursor === null
    ? { startAt: cursor.startAt.toJSDate() }
    : { cursor: cursor.afterCursor }
}
