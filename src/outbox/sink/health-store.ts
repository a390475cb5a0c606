import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database, SinkState } from '../../../db/schema.ts'

/** A receiver that takes nothing for so long is not asked any more. */
const LONGEST_FAILURE = '5 days'
/**
 * Longer than the longest wait before another attempt: what failed before such a pause says nothing
 * of what lies between.
 */
const UNSEEN = '2 days'
/** A receiver that takes nothing for so long gets few attempts at once. */
const HICCUP = '1 minute'

export interface SinkHealth {
  readonly state: SinkState
  readonly version: number
  /** It asked for silence. */
  readonly isHeld: boolean
  readonly isFailing: boolean
}

/**
 * How a sink is, locked until the transaction ends. Whoever lends out, makes or ends its deliveries
 * other than by settling a claim takes this lock first, so that they see each other's work, and there
 * is no circle of waiting.
 */
export async function lockSink(
  trx: Transaction<Database>,
  name: string,
): Promise<SinkHealth | undefined> {
  return await trx
    .selectFrom('sink')
    .select([
      'state',
      'version',
      sql<boolean>`coalesce(held_until > now(), false)`.as('isHeld'),
      sql<boolean>`coalesce(failing_since < now() - ${HICCUP}::interval, false)`.as('isFailing'),
    ])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
}

/**
 * A sink as a pass knows it. What its receiver answers says nothing of the sink when it has another
 * version by now: it may have another receiver.
 */
export interface KnownSink {
  readonly name: string
  readonly version: number
}

export async function isCurrent(
  db: Kysely<Database>,
  { name, version }: KnownSink,
): Promise<boolean> {
  const row = await db
    .selectFrom('sink')
    .select('version')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.version === version
}

/** What a sink took ends its failing. */
export async function noteTaken(db: Kysely<Database>, { name, version }: KnownSink): Promise<void> {
  await db
    .updateTable('sink')
    .set({ failingSince: null, failedAt: null })
    .where('name', '=', name)
    .where('version', '=', version)
    .where('failingSince', 'is not', null)
    .execute()
}

/** Begins or goes on to fail, and is switched off after days of nothing else. */
export async function noteFailed(
  db: Kysely<Database>,
  { name, version }: KnownSink,
  outcome: string,
): Promise<void> {
  const since = sql`case when failed_at > now() - ${UNSEEN}::interval then failing_since end`
  const isOff = sql`${since} <= now() - ${LONGEST_FAILURE}::interval`
  const reason = `nothing was taken for ${LONGEST_FAILURE}: ${outcome}`
  await sql`
    update sink set failing_since = coalesce(${since}, now()), failed_at = now(),
      state = case when ${isOff} then 'off' else state end,
      state_reason = case when ${isOff} then ${reason} else state_reason end,
      state_since = case when ${isOff} then now() else state_since end
    where name = ${name} and version = ${version} and state = 'active'`.execute(db)
}

/** Leaves a sink alone that asked for silence. */
export async function holdSink(
  db: Kysely<Database>,
  { name, version }: KnownSink,
  ms: number,
): Promise<void> {
  await sql`
    update sink set held_until = greatest(held_until,
      now() + make_interval(secs => ${ms / 1000}))
    where name = ${name} and version = ${version}`.execute(db)
}

/** Ends the sending to a receiver that says that it is gone. */
export async function stopSink(
  db: Kysely<Database>,
  { name, version }: KnownSink,
  reason: string,
): Promise<void> {
  await db
    .updateTable('sink')
    .set({ state: 'stopped', stateReason: reason, stateSince: sql<Date>`now()` })
    .where('name', '=', name)
    .where('version', '=', version)
    .where('state', '=', 'active')
    .execute()
}

/**
 * Makes dead what waits for a sink that does not send any more, except what is under way; answers how
 * many deliveries that were.
 */
export async function buryDeliveries(
  trx: Transaction<Database>,
  name: string,
  limit: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    with waiting as materialized (
      select workspace_id, sequence from delivery
      where sink = ${name} and state = 'pending'
        and (claimed_until is null or claimed_until <= now())
      order by next_attempt_at limit ${limit}
      for update skip locked
    )
    update delivery set state = 'dead', claimed_until = null, settled_at = now(),
      outcome = 'the sink is ' || sink.state || ': ' || sink.state_reason
    from waiting, sink
    where sink.name = ${name} and delivery.sink = ${name}
      and delivery.workspace_id = waiting.workspace_id
      and delivery.sequence = waiting.sequence`.execute(trx)
  return Number(numAffectedRows ?? 0)
}

/**
 * Drops what a deleted sink has left, so many deliveries at a time and in the end its row; answers how
 * many deliveries that were.
 */
export async function dropDeliveries(
  trx: Transaction<Database>,
  name: string,
  limit: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from delivery where (workspace_id, sequence, sink) in (
      select workspace_id, sequence, sink from delivery
      where sink = ${name} and state = 'pending' limit ${limit})`.execute(trx)
  const dropped = Number(numAffectedRows ?? 0)
  if (dropped > 0) return dropped
  await trx.deleteFrom('replay').where('sink', '=', name).execute()
  await trx.deleteFrom('sinkPosition').where('sink', '=', name).execute()
  await trx.deleteFrom('sink').where('name', '=', name).execute()
  return 0
}
