import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database, DeliveryState } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'
import { type Position, lockPosition } from './position-store.ts'

/**
 * A sink that may refuse one publication and take the next has a delivery row for each of them:
 * fan-out makes the rows beyond the position, a claim lends one to a worker for a while, settling
 * ends it. Positions are locked before deliveries everywhere, and claims skip what others hold: there
 * is no circle of waiting.
 *
 * Rows of the same transcript are compared by `is not distinct from` where the sink is concerned:
 * no index can serve that, so the one that begins with the transcript is used, statistics or none.
 */

export interface EntryRange {
  readonly workspaceId: WorkspaceId
  /** Not itself part of the range. */
  readonly after: number
  readonly through: number
}

/** Makes delivery rows of the entries after a position; answers the range that they cover. */
export async function insertDeliveries(
  trx: Transaction<Database>,
  sink: string,
  position: Position,
  limit: number,
): Promise<EntryRange> {
  const { workspaceId, sequence: after } = position
  const { rows } = await sql<{ through: number | null }>`
    with inserted as (
      insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id)
      select ${sink}, workspace_id, sequence, integration_id, ticket_id from outbox_entry
      where workspace_id = ${workspaceId}
        and sequence > ${after} and sequence <= ${after + limit}
      returning sequence
    )
    select max(sequence) as through from inserted`.execute(trx)
  return { workspaceId, after, through: rows[0]?.through ?? after }
}

/**
 * Ends the deliveries that one of the range makes pointless: those of an older revision of the same
 * transcript. One that is under way is left alone; should it fail, `postponeDelivery` ends it.
 */
export async function supersedeDeliveries(
  trx: Transaction<Database>,
  sink: string,
  range: EntryRange,
): Promise<void> {
  await sql`
    update delivery as older
    set state = 'superseded', outcome = 'a newer revision exists', claimed_until = null,
      settled_at = now()
    from delivery as newer
    where newer.sink = ${sink} and newer.workspace_id = ${range.workspaceId}
      and newer.sequence > ${range.after} and newer.sequence <= ${range.through}
      and older.integration_id = newer.integration_id and older.ticket_id = newer.ticket_id
      and older.sequence < newer.sequence and older.state = 'pending'
      and older.sink is not distinct from newer.sink
      and (older.claimed_until is null or older.claimed_until <= now())`.execute(trx)
}

/** A delivery lent to one worker. `attempts` counts this attempt and tells its claim from a later one. */
export interface Claim extends Position {
  readonly attempts: number
}

/**
 * Lends out deliveries that are due: of each transcript the earliest that is pending, so that the
 * next one waits until this one is settled. A claim that is not settled in time is lent out again.
 */
export async function claimDeliveries(
  db: Kysely<Database>,
  sink: string,
  options: { readonly limit: number; readonly leaseSeconds: number },
): Promise<Claim[]> {
  const { rows } = await sql<{ workspaceId: string; sequence: number; attempts: number }>`
    with due as materialized (
      select workspace_id, sequence from delivery
      where sink = ${sink} and state = 'pending' and next_attempt_at <= now()
        and (claimed_until is null or claimed_until <= now())
        and not exists (
          select from delivery as earlier
          where earlier.integration_id = delivery.integration_id
            and earlier.ticket_id = delivery.ticket_id and earlier.sequence < delivery.sequence
            and earlier.state = 'pending' and earlier.sink is not distinct from delivery.sink)
      order by next_attempt_at limit ${options.limit}
      for update skip locked
    )
    update delivery
    set claimed_until = now() + make_interval(secs => ${options.leaseSeconds}),
      attempts = delivery.attempts + 1
    from due
    where delivery.sink = ${sink} and delivery.workspace_id = due.workspace_id
      and delivery.sequence = due.sequence
    returning delivery.workspace_id, delivery.sequence, delivery.attempts`.execute(db)
  return rows.map((row) => ({ ...row, workspaceId: WorkspaceId.parse(row.workspaceId) }))
}

/** Ends a delivery, unless the claim has run out and someone else holds or ended it. */
export async function settleDelivery(
  db: Kysely<Database>,
  sink: string,
  claim: Claim,
  settled: { readonly state: Exclude<DeliveryState, 'pending'>; readonly outcome: string },
): Promise<void> {
  await claimed(db, sink, claim)
    .set({ ...settled, claimedUntil: null, settledAt: sql<Date>`now()` })
    .execute()
}

/**
 * Puts a delivery off, or ends it if its transcript has a newer revision. The position is locked
 * first: a fan-out that saw this delivery under way has committed its newer ones by then, and a
 * later one sees that it no longer is.
 */
export async function postponeDelivery(
  trx: Transaction<Database>,
  sink: string,
  claim: Claim,
  postponed: { readonly outcome: string; readonly delayMs: number },
): Promise<void> {
  await lockPosition(trx, sink, claim.workspaceId)
  const superseded = sql<boolean>`exists (
    select from delivery as newer
    where newer.integration_id = delivery.integration_id
      and newer.ticket_id = delivery.ticket_id and newer.sequence > delivery.sequence
      and newer.state = 'pending' and newer.sink is not distinct from delivery.sink)`
  await claimed(trx, sink, claim)
    .set({
      state: sql`case when ${superseded} then 'superseded' else 'pending' end`,
      settledAt: sql`case when ${superseded} then now() end`,
      outcome: postponed.outcome,
      claimedUntil: null,
      nextAttemptAt: sql`now() + make_interval(secs => ${postponed.delayMs / 1000})`,
    })
    .execute()
}

/** Gives a claim back untried: the worker is stopping, and that is no attempt. */
export async function releaseClaim(
  db: Kysely<Database>,
  sink: string,
  claim: Claim,
): Promise<void> {
  await claimed(db, sink, claim)
    .set({ claimedUntil: null, attempts: claim.attempts - 1 })
    .execute()
}

function claimed(db: Kysely<Database>, sink: string, claim: Claim) {
  return db
    .updateTable('delivery')
    .where('sink', '=', sink)
    .where('workspaceId', '=', claim.workspaceId)
    .where('sequence', '=', claim.sequence)
    .where('state', '=', 'pending')
    .where('attempts', '=', claim.attempts)
}
