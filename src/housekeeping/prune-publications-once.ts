import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { WorkspaceId } from '../ids.ts'
import {
  deleteDeliveries,
  deleteEntries,
  deleteReplacedTexts,
  findFeedsToPrune,
  findPrunable,
  savePruned,
  tryLockPruning,
} from '../outbox/prune-store.ts'

/** Feeds looked at in one statement. */
const FEEDS = 500
/** Entries that go in one transaction, which holds no row for longer than they take. */
const BATCH = 500

export interface PruneDeps {
  readonly db: Kysely<Database>
  /** The names of the sinks that every publication goes to. */
  readonly sinks: readonly string[]
  /** Entries that were published in so many last days stay. */
  readonly keepDays: number
}

export type PruneCounts = { entries: number; deliveries: number; texts: number }

/**
 * Prunes what was published long ago: entries from the beginning of each feed, their deliveries, and the
 * texts that newer revisions have replaced. The current transcripts stay, whatever their age. So does
 * everything from the first entry on that is not delivered yet, or that a note of the eraser needs. A
 * batch is one transaction, so a crash repeats it, and of several workers one is at a feed at a time.
 */
export async function prunePublicationsOnce(
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<PruneCounts> {
  const counts: PruneCounts = { entries: 0, deliveries: 0, texts: 0 }
  for (let after = ''; ;) {
    const { keepDays } = deps
    const feeds = await findFeedsToPrune(deps.db, { after, limit: FEEDS, keepDays })
    for (const { workspaceId, isDue } of feeds) {
      if (isDue) await pruneFeed(deps, workspaceId, { counts, signal })
    }
    const last = feeds.at(-1)
    if (last === undefined || signal.aborted) return counts
    after = last.workspaceId
  }
}

async function pruneFeed(
  { db, ...limits }: PruneDeps,
  workspaceId: WorkspaceId,
  { counts, signal }: { readonly counts: PruneCounts; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const batch = await db
      .transaction()
      .execute((trx) => pruneBatch(trx, workspaceId, { ...limits, limit: BATCH }))
    counts.entries += batch.entries
    counts.deliveries += batch.deliveries
    counts.texts += batch.texts
    if (batch.entries < BATCH) return
  }
}

async function pruneBatch(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
  limits: Omit<PruneDeps, 'db'> & { readonly limit: number },
): Promise<PruneCounts> {
  const nothing = { entries: 0, deliveries: 0, texts: 0 }
  if (!(await tryLockPruning(trx, workspaceId))) return nothing
  const span = await findPrunable(trx, workspaceId, limits)
  if (span.through <= span.after) return nothing
  // Texts are found by their entries, and entries are held by their deliveries.
  const deliveries = await deleteDeliveries(trx, span)
  const texts = await deleteReplacedTexts(trx, span)
  const entries = await deleteEntries(trx, span)
  await savePruned(trx, span)
  return { entries, deliveries, texts }
}
