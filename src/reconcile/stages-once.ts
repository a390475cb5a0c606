import type { Transaction } from 'kysely'
import type { Database, HintClass } from '../../db/schema.ts'
import { readCursor } from '../cursor/store.ts'
import { closeWindow } from '../cursor/window-store.ts'
import { assertLease } from '../run/lease-store.ts'
import { addRequests } from '../run/ledger-store.ts'
import { saveSilentShare } from '../run/news-store.ts'
import { finishRun } from '../run/store.ts'
import { stripStaged } from './events/store.ts'
import type { Lanes } from './lanes/lanes.ts'
import { lanesOnce } from './lanes/lanes-once.ts'
import { closeBackLane } from './lanes/store.ts'
import { confirmHintsOnce, hintsOnce } from './look/hints-once.ts'
import { refilterOnce } from './look/refilter-once.ts'
import { retryOnce } from './look/retry-once.ts'
import { pageOnce } from './page-once.ts'
import { watchDriftOnce } from './settle/drift-once.ts'
import type { Pass, PassDeps } from './store-tickets-once.ts'

/** The export holds the last minute back: only of what is older it can be said that it did not show. */
const HIDDEN_MS = 61_000

/**
 * The stages of a run, one after the other until the slice is over: each asks the rows what is left to
 * do, so that any worker goes on where another stopped. A run of hints looks at what they point to;
 * the others apply changed filters, read the export to its end, and then settle what the export left
 * open: hints that it did not confirm, and tickets that were set aside.
 */
export async function stagesOnce(deps: PassDeps, pass: Pass): Promise<'slice over' | 'finished'> {
  const stages = pass.run.kind === 'hints' ? [dueHints] : [refilter, exportPages, openEnds]
  for (const stage of stages) {
    if (!(await counted(deps, pass, stage))) return 'slice over'
  }
  await deps.db.transaction().execute(async (trx) => {
    await assertLease(trx, pass.lease)
    if (pass.run.kind !== 'hints') await settleReading(trx, pass)
    await finishRun(trx, pass.run.id)
  })
  return 'finished'
}

/** What the channels have left behind when a run has read to the end. */
async function settleReading(trx: Transaction<Database>, pass: Pass): Promise<void> {
  await closeBackLane(trx, pass, null)
  await stripStaged(trx, pass.integration.id)
  await watchDriftOnce(trx, pass)
  if (pass.run.kind === 'sync') await saveSilentShare(trx, pass.run)
  if (pass.run.stream === 'window') {
    await closeWindow(trx, pass.integration.id, pass.run.windowFrom.toJSDate())
  }
}

/** Returns whether the stage came to its end. */
type Stage = (deps: PassDeps, pass: Pass) => Promise<boolean>

/** One step of a stage; its requests count for the run, whatever comes of it. */
async function counted<T>(
  deps: PassDeps,
  pass: Pass,
  step: (deps: PassDeps, pass: Pass) => Promise<T>,
): Promise<T> {
  pass.signal.throwIfAborted()
  try {
    return await step(deps, pass)
  } finally {
    const requests = await deps.zendesk.storeRequestCounts(pass.integration.id)
    await addRequests(deps.db, pass.run.id, requests)
  }
}

const refilter: Stage = (deps, pass) => refilterOnce(deps, pass)

const exportPages: Stage = async (deps, pass) => {
  const cursor = await readCursor(deps.db, pass.integration.id, pass.run.stream)
  const reachedAt = cursor?.endReachedAt?.toMillis() ?? 0
  if (reachedAt > (pass.run.startedAt?.toMillis() ?? Infinity)) return true
  while (!pass.isOver()) {
    if ((await counted(deps, pass, readLanes)) === 'end of stream') return true
    if (pass.isOver()) break
    if ((await counted(deps, pass, (...both) => pageOnce(...both))) === 'end of stream') return true
  }
  return false
}

/** Both ends of a window that is read from both. */
const readLanes = (deps: PassDeps, pass: Pass) => {
  const page = (lanes: Lanes) => counted(deps, pass, (...both) => pageOnce(...both, lanes))
  return lanesOnce(deps, pass, page)
}

const dueHints: Stage = async (deps, pass) => {
  const isPrompt = pass.workspace.freshness === 'prompt'
  const classes: readonly HintClass[] = isPrompt ? ['privacy', 'content'] : ['privacy']
  return untilNone(pass, () => hintsOnce(deps, pass, { classes }))
}

const openEnds: Stage = async (deps, pass) => {
  await confirmHintsOnce(deps, pass)
  const occurredBefore = new Date((pass.run.startedAt ?? pass.run.createdAt).toMillis() - HIDDEN_MS)
  const classes = ['privacy', 'content'] as const
  const isSettled = await untilNone(pass, () => hintsOnce(deps, pass, { classes, occurredBefore }))
  return isSettled && untilNone(pass, () => retryOnce(deps, pass))
}

async function untilNone(pass: Pass, step: () => Promise<'more' | 'none'>): Promise<boolean> {
  while (!pass.isOver()) {
    pass.signal.throwIfAborted()
    if ((await step()) === 'none') return true
  }
  return false
}
