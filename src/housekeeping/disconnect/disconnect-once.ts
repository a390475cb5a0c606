import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { clearHints, clearPlaces, clearRows } from '../../integration/disconnection/clear-store.ts'
import {
  type Disconnection,
  claimDisconnection,
  findDisconnection,
  lockDisconnection,
  postponeDisconnection,
  saveStep,
} from '../../integration/disconnection/store.ts'
import { findIntegration } from '../../integration/store.ts'
import { appendEntries } from '../../outbox/store.ts'
import { databaseClock } from '../../platform/clock.ts'
import { countTexts, hasText, listLiveHeads } from '../../transcript/retract-store.ts'
import { saveRetractions } from '../../transcript/store.ts'
import { isReleaseDue } from './due.ts'
import { chainHash } from './receipt.ts'
import { type ReleaseDeps, releaseOnce } from './release-once.ts'

export interface DisconnectDeps extends ReleaseDeps {
  /** Rows of one transaction: each holds up the readers and writers of the workspace for its time. */
  readonly batch: number
}

export const BATCH = 500

/** How soon it is looked again whether the last text has gone, or Zendesk answers. */
const NEXT_LOOK_SECONDS = 5

export type DisconnectCounts = { disconnected: number; retracted: number }

/**
 * Finishes what a disconnect has begun: in come rows that say what is left to do, out go tokens taken
 * back at Zendesk and, a batch at a time, everything that was needed to read the account. With a purge
 * every live transcript is retracted through the outbox, and when the eraser has come to the last text
 * the row is the receipt. A crash anywhere repeats at most a batch that was not committed.
 */
export async function disconnectOnce(
  deps: DisconnectDeps,
  signal: AbortSignal,
): Promise<DisconnectCounts> {
  const counts: DisconnectCounts = { disconnected: 0, retracted: 0 }
  while (!signal.aborted) {
    const claimed = await claimDisconnection(deps.db)
    if (claimed === undefined) break
    const before = claimed.transcripts
    await workOn(deps, claimed, signal)
    const after = await findDisconnection(deps.db, claimed.integrationId)
    counts.retracted += (after?.transcripts ?? before) - before
    if (after?.finishedAt !== null) counts.disconnected += 1
  }
  return counts
}

/** The claim is renewed with each step, for the whole of it can take longer than one lasts. */
async function workOn(
  deps: DisconnectDeps,
  { integrationId, ...claimed }: Disconnection,
  signal: AbortSignal,
): Promise<void> {
  const { db } = deps
  if (isReleaseDue({ integrationId, ...claimed }, await databaseClock(db))) {
    await releaseOnce(deps, integrationId, signal)
  }
  for (const step of [clear, retract, eraseRows, finish]) {
    let isDone = false
    while (!isDone && !signal.aborted) {
      isDone = await db.transaction().execute(async (trx) => {
        const disconnection = await lockDisconnection(trx, integrationId)
        return step(trx, disconnection, deps)
      })
      if (!isDone) await postponeDisconnection(db, integrationId, 60)
    }
  }
  await postponeDisconnection(db, integrationId, NEXT_LOOK_SECONDS)
}

/** One transaction of a stage; answers whether nothing is left of it. */
type Step = (
  trx: Transaction<Database>,
  disconnection: Disconnection,
  deps: DisconnectDeps,
) => Promise<boolean>

const clear: Step = async (trx, disconnection, { batch }) => {
  const { integrationId, clearedAt, purge } = disconnection
  if (clearedAt !== null) return true
  if ((await clearRows(trx, 'staged_event', { integrationId, limit: batch })) > 0) return false
  if ((await clearRows(trx, 'author', { integrationId, limit: batch })) > 0) return false
  const hints = await clearHints(trx, integrationId, { limit: batch, all: false })
  if (hints > 0) {
    await saveStep(trx, disconnection, purge ? { hints } : {})
    return false
  }
  await clearPlaces(trx, integrationId)
  const revisions = purge ? await countTexts(trx, integrationId) : 0
  await saveStep(trx, disconnection, { revisions, ends: 'clearedAt' })
  return true
}

const retract: Step = async (trx, disconnection, { batch }) => {
  const { integrationId, purge, retractedAt } = disconnection
  if (!purge || retractedAt !== null) return true
  const integration = await findIntegration(trx, integrationId)
  if (integration === undefined) return true
  const { workspaceId, subdomain } = integration
  const heads = await listLiveHeads(trx, { workspaceId, integrationId }, batch)
  if (heads.length === 0) {
    await saveStep(trx, disconnection, { ends: 'retractedAt' })
    return true
  }
  const retractions = heads.map(({ ticketId, revision }) => ({ ticketId, revision: revision + 1 }))
  await saveRetractions(trx, integrationId, retractions)
  const hash = chainHash(disconnection.hash, subdomain, heads)
  await saveStep(trx, disconnection, { transcripts: heads.length, hash })
  const type = 'transcript.retracted'
  const reason = 'disconnected'
  // Last, for it takes the lock that orders the workspace's publications.
  await appendEntries(
    trx,
    workspaceId,
    retractions.map((retraction) => ({ type, reason, integrationId, ...retraction })),
  )
  return false
}

/** What stands of a ticket beside its text: its tags, and when something happened to it. */
const eraseRows: Step = async (trx, disconnection, { batch }) => {
  const { integrationId, purge, finishedAt } = disconnection
  if (!purge || finishedAt !== null) return true
  const tickets = await clearRows(trx, 'ticket', { integrationId, limit: batch })
  const hints = await clearHints(trx, integrationId, { limit: batch, all: true })
  if (tickets + hints > 0) await saveStep(trx, disconnection, { tickets, hints })
  return tickets + hints === 0
}

const finish: Step = async (trx, disconnection, { batch }) => {
  const { integrationId, purge, release, finishedAt } = disconnection
  if (finishedAt !== null || release === 'pending') return true
  if (purge && (await hasText(trx, integrationId))) return true
  // What was delivered while the others were told.
  const hints = await clearHints(trx, integrationId, { limit: batch, all: false })
  if (hints > 0) return false
  await saveStep(trx, disconnection, { ends: 'finishedAt' })
  return true
}
