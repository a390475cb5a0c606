import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { type Claim, claimDeliveries } from '../../outbox/delivery/claim-store.ts'
import { insertDeliveries, supersedeDeliveries } from '../../outbox/delivery/fan-out-store.ts'
import { replayNext } from '../../outbox/delivery/replay-store.ts'
import { type Entry, isErased } from '../../outbox/entry.ts'
import { findBehind, lockPosition, savePosition } from '../../outbox/position-store.ts'
import { toPublication } from '../../outbox/publication.ts'
import type { DueSink } from '../../outbox/sink/due-store.ts'
import { type SinkHealth, lockSink } from '../../outbox/sink/health-store.ts'
import type { Receiver } from '../../outbox/sink/terms.ts'
import { readEntries } from '../../outbox/store.ts'
import { workThrough } from '../../platform/work-through.ts'
import { atMost } from './at-most.ts'
import type { HttpSink } from './http-sink.ts'
import { type Settled, settler } from './settle-once.ts'
import { judgeAnswer } from './verdict.ts'

/**
 * Relays publications to one receiver until nothing is due. Entries beyond the position of the sink
 * become deliveries; deliveries are claimed, sent and settled, those of many transcripts at once and
 * those of one transcript strictly one after the other, the older first. Each is delivered at least
 * once: a worker that dies between the receiver's answer and our commit leaves a claim that runs
 * out, and the repeat carries the same `webhook-id`. A newer revision replaces an older one that
 * was not delivered yet, unless the sink gets all revisions. What stays undelivered after the last
 * attempt is `dead` with its reason. What is asked for once more comes when nothing new is left.
 */
export interface RelayDeps {
  readonly db: Kysely<Database>
  readonly http: HttpSink
  readonly sink: DueSink
  readonly receiver: Receiver
  /** Deliveries under way at once. */
  readonly lanes?: number
  /** After so long nothing more is claimed, so that other receivers get their turn. */
  readonly sliceMs?: number
  /** The waits between the attempts. */
  readonly delaysMs?: readonly number[]
}

export type RelayCounts = {
  fannedOut: number
  replayed: number
  delivered: number
  postponed: number
  superseded: number
  dead: number
}

/** So many at once keep a receiver on the same machine busy; one far away takes some 100 a second. */
export const LANES = 64
/** At once, to a receiver that has been failing for a while. */
const FAILING_LANES = 4
/** Claimed at once: those under way, and as many more as half a second takes at the present pace. */
const MOST_CLAIMED = 512
const AHEAD_MS = 500
/** Fewer are not claimed while others are under way: a claim costs nearly the same for one or many. */
const FEWEST = 0.25
/** While others are under way, however slow they are, new ones are looked for. */
const LOOK_MS = 1_000
/** Must outlast the longest attempt, which ends after 15 s, and the commit that follows it. */
const LEASE_SECONDS = 60
/** What has waited for its turn for so long is not begun any more: it could outlast its claim. */
const LONGEST_WAIT_MS = 30_000
const WORKSPACES = 100
const FAN_OUT = 1_000

interface Delivery {
  readonly claim: Claim
  readonly claimedAt: number
  /** None if it is pruned. */
  readonly entry: Entry | undefined
}

/** What a pass knows and the next one does not need. */
interface Pass extends RelayDeps {
  readonly counts: RelayCounts
  readonly lanes: number
  readonly pace: Pace
  /** The receiver wants nothing more for now, or is another one than this pass knows. */
  isOver: boolean
}

/** How fast it goes: what was settled since an instant, and the pace up to there. */
interface Pace {
  settled: number
  since: number
  perMs: number
}

export async function relayOnce(deps: RelayDeps, signal: AbortSignal): Promise<RelayCounts> {
  const counts = { fannedOut: 0, replayed: 0, delivered: 0, postponed: 0, superseded: 0, dead: 0 }
  const pace = { settled: 0, since: performance.now(), perMs: 0 }
  const pass: Pass = { ...deps, counts, pace, lanes: deps.lanes ?? LANES, isOver: false }
  const endsAt = performance.now() + (deps.sliceMs ?? Number.POSITIVE_INFINITY)
  const settle = settler(deps)
  const inLane = atMost(pass.lanes)
  await workThrough({
    lanes: MOST_CLAIMED,
    lookMs: LOOK_MS,
    async claim(room) {
      signal.throwIfAborted()
      return pass.isOver || performance.now() > endsAt ? [] : claimNext(pass, room, signal)
    },
    async work(delivery) {
      const { claim, claimedAt } = delivery
      const turn = async (): Promise<Settled> => {
        const isLate = performance.now() - claimedAt > LONGEST_WAIT_MS
        return pass.isOver || isLate ? { kind: 'released', claim } : deliver(deps, delivery, signal)
      }
      const settled = await inLane(turn).catch(async (error: unknown) => {
        await settle({ kind: 'released', claim })
        throw error
      })
      // Whoever asks for silence, or wants nothing more, is sent nothing more from here on.
      pass.isOver ||= settled.kind === 'gone' || ('holdMs' in settled && settled.holdMs > 0)
      await settle(settled)
      pace.settled += 1
      if (settled.kind !== 'released') counts[settled.kind === 'gone' ? 'dead' : settled.kind] += 1
    },
  })
  return counts
}

async function claimNext(pass: Pass, free: number, signal: AbortSignal): Promise<Delivery[]> {
  const underWay = MOST_CLAIMED - free
  const room = Math.min(pass.lanes + aheadOf(pass.pace), MOST_CLAIMED) - underWay
  if (underWay > 0 && room < pass.lanes * FEWEST) return []
  let { claims, hasRoom } = await claim(pass, room, underWay)
  // Whole ranges of entries may hold nothing for this sink.
  while (hasRoom && claims.length === 0 && !signal.aborted && (await findMore(pass))) {
    ;({ claims, hasRoom } = await claim(pass, room, underWay))
  }
  if (claims.length === 0) return []
  const claimedAt = performance.now()
  const entries = await readEntries(pass.db, claims)
  const place = (at: Entry | Claim): string => `${at.sequence} ${at.workspaceId}`
  const byPlace = new Map(entries.map((entry) => [place(entry), entry]))
  return claims.map((claim) => ({ claim, claimedAt, entry: byPlace.get(place(claim)) }))
}

/** How many would be settled while the next claim is on its way, and some more. */
function aheadOf(pace: Pace): number {
  const elapsedMs = performance.now() - pace.since
  if (elapsedMs > AHEAD_MS / 10) {
    pace.perMs = pace.settled / elapsedMs
    pace.settled = 0
    pace.since += elapsedMs
  }
  return Math.floor(pace.perMs * AHEAD_MS)
}

/** New entries first; what is sent once more only when there are none. */
async function findMore(pass: Pass): Promise<boolean> {
  const fannedOut = await fanOut(pass)
  pass.counts.fannedOut += fannedOut
  if (fannedOut > 0) return true
  const { sink } = pass
  const replayed = await whileOpen(pass, (trx) => replayNext(trx, sink, FAN_OUT))
  pass.counts.replayed += replayed ?? 0
  return replayed !== undefined
}

/** Does something under the lock of the sink, unless it sends no more or otherwise than this pass knows. */
async function whileOpen<Result>(
  { db, sink }: RelayDeps,
  use: (trx: Transaction<Database>, health: SinkHealth) => Promise<Result>,
): Promise<Result | undefined> {
  return db.transaction().execute(async (trx) => {
    const health = await lockSink(trx, sink.name)
    if (health?.state !== 'active' || health.version !== sink.version) return undefined
    return health.isHeld ? undefined : use(trx, health)
  })
}

/** `hasRoom`: nothing else is due, and more could be sent. */
async function claim(
  pass: Pass,
  room: number,
  underWay: number,
): Promise<{ claims: Claim[]; hasRoom: boolean }> {
  const claimed = await whileOpen(pass, async (trx, { isFailing }) => {
    const limit = isFailing ? Math.min(room, FAILING_LANES - underWay) : room
    if (limit <= 0) return { claims: [], hasRoom: false }
    const claims = await claimDeliveries(trx, pass.sink.name, {
      limit,
      leaseSeconds: LEASE_SECONDS,
    })
    return { claims, hasRoom: claims.length < limit }
  })
  pass.isOver ||= claimed === undefined
  return claimed ?? { claims: [], hasRoom: false }
}

/** Numbers are given in commit order, so nothing can appear later at or below a saved position. */
async function fanOut(pass: Pass): Promise<number> {
  const { db, sink } = pass
  let count = 0
  for (const { workspaceId } of await findBehind(db, sink.name, WORKSPACES, sink.workspaceId)) {
    const moved = await whileOpen(pass, async (trx) => {
      const sequence = await lockPosition(trx, sink.name, workspaceId)
      const range = await insertDeliveries(trx, sink, { workspaceId, sequence }, FAN_OUT)
      if (!sink.allRevisions) await supersedeDeliveries(trx, sink, range)
      await savePosition(trx, sink.name, { workspaceId, sequence: range.through })
      return range.through - range.after
    })
    count += moved ?? 0
  }
  return count
}

async function deliver(
  { http, receiver, delaysMs }: RelayDeps,
  { claim, entry }: Delivery,
  signal: AbortSignal,
): Promise<Settled> {
  if (entry === undefined || isErased(entry)) {
    return { kind: 'superseded', claim, outcome: 'the text is erased' }
  }
  const { replayed, attempts, attemptsBefore } = claim
  const at = new Date()
  const startedAt = performance.now()
  const answer = await http.send(receiver, { publication: toPublication(entry), replayed }, signal)
  const chance = { now: new Date(), random: Math.random() }
  const verdict = judgeAnswer(answer, attempts - attemptsBefore, chance, delaysMs)
  const ms = Math.round(performance.now() - startedAt)
  const attempt = { attempt: attempts, at: at.toISOString(), ms, outcome: verdict.outcome }
  return { ...verdict, claim, attempt }
}
