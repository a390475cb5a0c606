import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import {
  type Claim,
  claimDeliveries,
  insertDeliveries,
  postponeDelivery,
  releaseClaim,
  settleDelivery,
  supersedeDeliveries,
} from '../outbox/delivery-store.ts'
import type { Entry } from '../outbox/entry.ts'
import { findBehind, lockPosition, savePosition } from '../outbox/position-store.ts'
import { toPublication } from '../outbox/publication.ts'
import { readEntries } from '../outbox/store.ts'
import { workThrough } from '../platform/work-through.ts'
import type { HttpSink } from './http-sink.ts'
import { type Verdict, judgeAnswer } from './verdict.ts'

/**
 * Relays publications to one receiver until nothing is due. Entries beyond the position of the sink
 * become deliveries; deliveries are claimed, sent and settled, those of many transcripts at once and
 * those of one transcript strictly one after the other, the older first. Each is delivered at least
 * once: a worker that dies between the receiver's answer and our commit leaves a claim that runs
 * out, and the repeat carries the same `webhook-id`. A newer revision replaces an older one that
 * was not delivered yet. What stays undelivered after the last attempt is `dead` with its reason.
 */
export interface RelayDeps {
  readonly db: Kysely<Database>
  readonly sink: HttpSink
  /** The name under which the position and the deliveries are kept. */
  readonly name: string
}

export type RelayCounts = {
  fannedOut: number
  delivered: number
  postponed: number
  superseded: number
  dead: number
  /** The receiver asked for silence for so long; nothing was claimed after that. */
  holdMs: number
}

/** Deliveries under way at once. */
export const LANES = 48
/** Must outlast the longest attempt, which ends after 15 s, and the commit that follows it. */
const LEASE_SECONDS = 60
const WORKSPACES = 100
const FAN_OUT = 1_000

/** A publication whose text was taken back since is not sent any more: a newer revision says so. */
type End = Verdict | { readonly kind: 'superseded'; readonly outcome: string }

interface Delivery {
  readonly claim: Claim
  /** None if its text is erased. */
  readonly entry: Entry | undefined
}

export async function relayOnce(deps: RelayDeps, signal: AbortSignal): Promise<RelayCounts> {
  const counts: RelayCounts = {
    fannedOut: 0,
    delivered: 0,
    postponed: 0,
    superseded: 0,
    dead: 0,
    holdMs: 0,
  }
  await workThrough({
    lanes: LANES,
    async claim(room) {
      signal.throwIfAborted()
      return counts.holdMs > 0 ? [] : claimNext(deps, room, counts)
    },
    async work(delivery) {
      const verdict = await deliver(deps, delivery, signal)
      await settle(deps, delivery.claim, verdict)
      counts[verdict.kind] += 1
      if (verdict.kind === 'postponed') counts.holdMs = Math.max(counts.holdMs, verdict.holdMs)
    },
  })
  return counts
}

async function claimNext(deps: RelayDeps, room: number, counts: RelayCounts): Promise<Delivery[]> {
  const claims = await claim(deps, room)
  if (claims.length < room) {
    const fannedOut = await fanOut(deps)
    counts.fannedOut += fannedOut
    if (fannedOut > 0) claims.push(...(await claim(deps, room - claims.length)))
  }
  if (claims.length === 0) return []
  const entries = await readEntries(deps.db, claims)
  const place = (at: Entry | Claim): string => `${at.sequence} ${at.workspaceId}`
  const byPlace = new Map(entries.map((entry) => [place(entry), entry]))
  return claims.map((claim) => ({ claim, entry: byPlace.get(place(claim)) }))
}

function claim({ db, name }: RelayDeps, limit: number): Promise<Claim[]> {
  return claimDeliveries(db, name, { limit, leaseSeconds: LEASE_SECONDS })
}

/** Numbers are given in commit order, so nothing can appear later at or below a saved position. */
async function fanOut({ db, name }: RelayDeps): Promise<number> {
  let count = 0
  for (const { workspaceId } of await findBehind(db, name, WORKSPACES)) {
    count += await db.transaction().execute(async (trx) => {
      const sequence = await lockPosition(trx, name, workspaceId)
      const range = await insertDeliveries(trx, name, { workspaceId, sequence }, FAN_OUT)
      await supersedeDeliveries(trx, name, range)
      await savePosition(trx, name, { workspaceId, sequence: range.through })
      return range.through - range.after
    })
  }
  return count
}

async function deliver(
  { db, sink, name }: RelayDeps,
  { claim, entry }: Delivery,
  signal: AbortSignal,
): Promise<End> {
  if (entry === undefined) return { kind: 'superseded', outcome: 'the text is erased' }
  try {
    const answer = await sink.send(toPublication(entry), signal)
    return judgeAnswer(answer, claim.attempts, { now: new Date(), random: Math.random() })
  } catch (error) {
    await releaseClaim(db, name, claim)
    throw error
  }
}

async function settle({ db, name }: RelayDeps, claim: Claim, verdict: End): Promise<void> {
  switch (verdict.kind) {
    case 'delivered':
    case 'superseded':
    case 'dead':
      return settleDelivery(db, name, claim, { state: verdict.kind, outcome: verdict.outcome })
    case 'postponed':
      return db.transaction().execute((trx) => postponeDelivery(trx, name, claim, verdict))
    default:
      return verdict satisfies never
  }
}
