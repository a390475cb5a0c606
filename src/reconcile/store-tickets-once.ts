import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Integration } from '../integration/integration.ts'
import type { TicketId } from '../ids.ts'
import { appendEntries } from '../outbox/store.ts'
import type { HeldTime } from '../platform/held-time.ts'
import { type Lease, assertLease } from '../run/lease-store.ts'
import { addDrift } from '../run/plan-store.ts'
import { addToLedger } from '../run/ledger-store.ts'
import { addNews } from '../run/news-store.ts'
import type { Run } from '../run/store.ts'
import { readKnownTickets, saveTickets } from '../ticket/store.ts'
import { saveRetractions, saveRevisions } from '../transcript/store.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { ZendeskClient } from '../zendesk/client.ts'
import type { ExportedTicket, TicketComments, ZendeskAccount } from '../zendesk/types.ts'
import { type Change, isNews, ledgerOf } from './settle/decide.ts'
import { followOn } from './settle/follow-on-once.ts'
import { saveAuthors } from './events/author-store.ts'
import { dropStaged } from './events/store.ts'
import { gather } from './gather.ts'
import { cutBySize, newestInstant, newestRows, outcomeOf, toEntries, toTicketRow } from './page.ts'
import { assertExportAllowed } from './settle/set-aside-once.ts'
import { type Work, settleOnce, startWork } from './settle/settle-once.ts'
import { termsOf } from './settle/terms.ts'

export interface PassDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  /** The part of what was not read at the comments endpoint that is read there to compare. */
  readonly driftShare: number
}

/** For which run and whose tickets, under which lease, and until when. */
export interface Pass {
  readonly run: Run
  readonly integration: Integration
  readonly workspace: Workspace
  readonly account: ZendeskAccount
  readonly lease: Lease
  readonly signal: AbortSignal
  /** Measures for how long storing holds up reading. */
  readonly storing: HeldTime
  /** Whether the slice is over: no further ticket is started then. */
  readonly isOver: () => boolean
}

/** Rows of tickets that are worked on together. */
export interface Batch {
  readonly tickets: readonly ExportedTicket[]
  /** A page of the export, or tickets that are looked at for a reason of their own. */
  readonly kind: 'page' | 'look'
  /** Written with the last of them, in one transaction: that they are all done, and who is new. */
  readonly complete: (trx: Transaction<Database>, news: ReadonlySet<TicketId>) => Promise<void>
  /** Conversations that are known already, without asking for comments. */
  readonly histories?: ReadonlyMap<TicketId, TicketComments>
  /** It stands out of the order of the export, and says nothing of how far a run has come. */
  readonly isAside?: boolean
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
 * Makes our rows agree with rows of Zendesk's: judges each, reads the comments of those that need it,
 * and stores what comes of it in portions, each in one transaction, while the next one is read. The
 * last portion waits for the batch to be whole. A crash anywhere repeats the batch, in which what was
 * stored is recognised and costs no second request. Returns whether the batch was completed before
 * the deadline of the pass.
 */
export async function storeTicketsOnce(deps: PassDeps, pass: Pass, batch: Batch): Promise<boolean> {
  const tickets = newestRows(batch.tickets)
  const ids = tickets.map((ticket) => ticket.id)
  const known = await readKnownTickets(deps.db, pass.integration.id, ids)
  const work = startWork(batch, tickets, known)
  const settleOne = (ticket: ExportedTicket) => settleOnce(deps, pass, ticket, work)
  const portions = gather(tickets, settleOne, portionLimits(pass, work))
  let storing = Promise.resolve()
  let held: Change[] = []
  let hasSetAside = false
  const missing = new Set(ids)
  for (;;) {
    const next = await portions.next().catch(async (error: unknown) => {
      await storing
      await store(deps, pass, held, { work })
      throw error
    })
    await untilStored(pass, storing)
    for (const { ticket } of held) missing.delete(ticket.id)
    hasSetAside ||= held.some((change) => outcomeOf(change) === 'quarantined')
    if (next.done === true) {
      if (next.value && hasSetAside) {
        await store(deps, pass, held, { work })
        held = []
        await assertExportAllowed(deps, pass)
      }
      const batchOf = next.value && { batch: { ...batch, missing: [...missing] } }
      await untilStored(pass, store(deps, pass, held, { work, ...batchOf }))
      return next.value
    }
    storing = store(deps, pass, held, { work })
    // Awaited above; until then a failure must not count as unhandled.
    storing.catch(() => {})
    held = next.value
  }
}

/** While this takes its time, nothing is read: it is the database that holds the run back. */
async function untilStored({ storing }: Pass, stored: Promise<void>): Promise<void> {
  storing.begin('database', performance.now())
  try {
    await stored
  } finally {
    storing.end('database', performance.now())
  }
}

/** A batch, and which of its tickets have come to no end. */
interface Worked extends Batch {
  readonly missing: readonly TicketId[]
}

interface Storing {
  readonly work: Work
  readonly batch?: Worked
}

/** `batch` is given with its last portion and completes it. */
async function store(
  deps: PassDeps,
  pass: Pass,
  changes: readonly Change[],
  { work, batch }: Storing,
): Promise<void> {
  const portions = cutBySize(changes)
  for (const [index, portion] of portions.entries()) {
    const isLast = index === portions.length - 1
    await commit(deps, pass, portion, { work, ...(isLast && batch !== undefined && { batch }) })
  }
}

/** One transaction. */
async function commit(
  deps: PassDeps,
  pass: Pass,
  decided: readonly Change[],
  { work, batch }: Storing,
): Promise<void> {
  if (decided.length === 0 && batch === undefined) return
  const { run, integration, workspace, lease } = pass
  const owner = { workspaceId: workspace.id, integrationId: integration.id }
  await deps.db.transaction().execute(async (trx) => {
    await assertLease(trx, lease)
    const changes = await followOn(trx, integration.id, decided)
    for (const change of changes) if (isNews(change)) work.news.add(change.ticket.id)
    const published = changes.filter((change) => change.kind === 'published')
    const { settledFrom } = termsOf(pass, Date.now())
    await saveTickets(trx, integration.id, changes.map(toTicketRow), settledFrom)
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
      missing: batch?.missing ?? [],
      pages: batch?.kind === 'page' ? 1 : 0,
      reachedAt: work.isAside ? null : newestInstant(changes.map((change) => change.ticket)),
    })
    // Until it shows that a hint has told of them.
    const silent = run.kind === 'sync' && !work.isLook ? entries.length : 0
    await addNews(trx, run.id, { hinted: 0, silent })
    await dropStaged(
      trx,
      integration.id,
      changes.map(({ ticket }) => ticket),
    )
    await saveLearnt(trx, pass, work)
    await batch?.complete(trx, work.news)
    // Last, for it takes the lock that orders the workspace's publications.
    if (entries.length > 0) await appendEntries(trx, workspace.id, entries)
  })
}

/** What a portion has shown beside its tickets. A portion that is not stored will show it again. */
async function saveLearnt(
  trx: Transaction<Database>,
  { run, integration }: Pass,
  work: Work,
): Promise<void> {
  const drift = work.drift
  const authors = new Map(work.authors)
  work.drift = { sampled: 0, found: 0 }
  work.authors.clear()
  await addDrift(trx, run.id, drift)
  await saveAuthors(trx, integration.id, authors)
}

/** Some tickets are worked on even when the slice is over: its page would only be asked for again. */
function portionLimits(pass: Pass, work: Work) {
  let startedAt = performance.now()
  return {
    concurrency: CONCURRENCY,
    isOver: () => work.asked >= CONCURRENCY && pass.isOver(),
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
