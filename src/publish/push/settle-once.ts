import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Attempt } from '../../outbox/delivery/attempt.ts'
import type { Claim } from '../../outbox/delivery/claim-store.ts'
import {
  endDeliveries,
  postponeDeliveries,
  releaseClaims,
} from '../../outbox/delivery/settle-store.ts'
import type { DueSink } from '../../outbox/sink/due-store.ts'
import {
  holdSink,
  isCurrent,
  noteFailed,
  noteTaken,
  stopSink,
} from '../../outbox/sink/health-store.ts'
import { inBatches } from './in-batches.ts'
import type { Verdict } from './verdict.ts'

/** What became of a claim. */
export type Settled = { readonly claim: Claim } & (
  | (Verdict & { readonly attempt: Attempt })
  /** A publication whose text was taken back since is not sent any more: a newer revision says so. */
  | { readonly kind: 'superseded'; readonly outcome: string }
  | { readonly kind: 'released' }
)

/** More than are under way at once. */
const BATCH = 200

interface SettleDeps {
  readonly db: Kysely<Database>
  readonly sink: DueSink
}

/** Settles claims as they come, those that come together in one statement. */
export function settler(deps: SettleDeps): (settled: Settled) => Promise<void> {
  const health = { isFailing: true }
  return inBatches(BATCH, (batch) => settleBatch(deps, batch, health))
}

/**
 * Each statement commits by itself: what a crash between two of them leaves is claimed again when the
 * claims have run out. How the sink is comes last, and is found out anew if it is lost.
 */
async function settleBatch(
  { db, sink }: SettleDeps,
  batch: readonly Settled[],
  health: { isFailing: boolean },
): Promise<void> {
  const isOfToday = !batch.some(isRefusal) || (await isCurrent(db, sink))
  const { ended, postponed, released, gone, failures, holdMs } = sortOut(
    isOfToday ? batch : batch.map(withoutRefusal),
  )
  if (ended.length > 0) await endDeliveries(db, sink.name, ended)
  if (postponed.length > 0) {
    await db.transaction().execute((trx) => postponeDeliveries(trx, sink, postponed))
  }
  if (released.length > 0) await releaseClaims(db, sink.name, released)
  if (gone !== undefined) await stopSink(db, sink, gone)
  if (holdMs > 0) await holdSink(db, sink, holdMs)
  if (ended.some(({ state }) => state === 'delivered')) {
    // At the first of a pass it is not known, and asked.
    if (health.isFailing) await noteTaken(db, sink)
    health.isFailing = false
  } else if (failures.length > 0) {
    await noteFailed(db, sink, failures.at(-1) ?? '')
    health.isFailing = true
  }
}

function isRefusal({ kind }: Settled): boolean {
  return kind === 'postponed' || kind === 'dead' || kind === 'gone'
}

/** What the receiver of before a change refused, the one of today has not been asked for. */
function withoutRefusal(settled: Settled): Settled {
  return isRefusal(settled) ? { kind: 'released', claim: settled.claim } : settled
}

function sortOut(batch: readonly Settled[]) {
  const ended: Parameters<typeof endDeliveries>[2][number][] = []
  const postponed: Extract<Settled, { kind: 'postponed' }>[] = []
  const released: Extract<Settled, { kind: 'released' }>[] = []
  const failures: string[] = []
  let gone: string | undefined
  let holdMs = 0
  for (const one of batch) {
    const { claim, kind } = one
    switch (kind) {
      case 'delivered':
      case 'superseded':
      case 'dead':
        ended.push({ attempt: undefined, ...one, state: kind })
        if (kind !== 'dead') break
        failures.push(one.outcome)
        holdMs = Math.max(holdMs, one.holdMs)
        break
      case 'gone':
        ended.push({ claim, outcome: one.outcome, attempt: one.attempt, state: 'dead' })
        gone = one.outcome
        break
      case 'postponed':
        postponed.push(one)
        failures.push(one.outcome)
        holdMs = Math.max(holdMs, one.holdMs)
        break
      case 'released':
        released.push(one)
        break
      default:
        one satisfies never
    }
  }
  return { ended, postponed, released, gone, failures, holdMs }
}
