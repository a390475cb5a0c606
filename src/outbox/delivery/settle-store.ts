import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database, DeliveryState } from '../../../db/schema.ts'
import type { SinkTerms } from '../sink/terms.ts'
import type { Attempt } from './attempt.ts'
import type { Claim } from './claim-store.ts'

/** A delivery is given up before so many attempts, so that only one that was sent again loses its first. */
const LONGEST_HISTORY = 20

export interface Ended {
  readonly claim: Claim
  readonly state: Exclude<DeliveryState, 'pending'>
  readonly outcome: string
  /** None if nothing was sent. */
  readonly attempt: Attempt | undefined
}

/** Ends deliveries, but none whose claim has run out and that someone else holds or has ended. */
export async function endDeliveries(
  db: Kysely<Database>,
  sink: string,
  ended: readonly Ended[],
): Promise<void> {
  await sql`
    update delivery set state = settled.state, outcome = settled.outcome, claimed_until = null,
      settled_at = now(), history = ${extended}
    from unnest(${claims(ended)}, ${ended.map(({ state }) => state)}::text[],
      ${ended.map(({ outcome }) => outcome)}::text[], ${attempts(ended)}::jsonb[])
      as settled (workspace_id, sequence, attempts, state, outcome, attempt)
    where ${isClaimed(sink)}`.execute(db)
}

export interface Postponed {
  readonly claim: Claim
  readonly outcome: string
  readonly delayMs: number
  readonly attempt: Attempt
}

/**
 * Puts deliveries off, or ends those whose transcript has a newer revision. Positions are locked
 * first: a fan-out that saw one of them under way has committed its newer ones by then, and a later
 * one sees that it no longer is.
 */
export async function postponeDeliveries(
  trx: Transaction<Database>,
  { name, allRevisions }: SinkTerms,
  postponed: readonly Postponed[],
): Promise<void> {
  await trx
    .selectFrom('sinkPosition')
    .select('sequence')
    .where('sink', '=', name)
    .where('workspaceId', 'in', [...new Set(postponed.map(({ claim }) => claim.workspaceId))])
    .orderBy('workspaceId')
    .forUpdate()
    .execute()
  const isSuperseded = sql`(not ${allRevisions}::boolean and exists (
    select from outbox_entry as newer
    where newer.integration_id = delivery.integration_id
      and newer.ticket_id = delivery.ticket_id and newer.sequence > delivery.sequence))`
  await sql`
    update delivery
    set state = case when ${isSuperseded} then 'superseded' else 'pending' end,
      settled_at = case when ${isSuperseded} then now() end,
      outcome = settled.outcome, claimed_until = null, history = ${extended},
      next_attempt_at = now() + make_interval(secs => settled.delay_ms / 1000)
    from unnest(${claims(postponed)}, ${postponed.map(({ outcome }) => outcome)}::text[],
      ${postponed.map(({ delayMs }) => delayMs)}::float8[], ${attempts(postponed)}::jsonb[])
      as settled (workspace_id, sequence, attempts, outcome, delay_ms, attempt)
    where ${isClaimed(name)}`.execute(trx)
}

/** Gives claims back untried: the worker is stopping, and that is no attempt. */
export async function releaseClaims(
  db: Kysely<Database>,
  sink: string,
  released: readonly { readonly claim: Claim }[],
): Promise<void> {
  await sql`
    update delivery set claimed_until = null, attempts = settled.attempts - 1
    from unnest(${claims(released)}) as settled (workspace_id, sequence, attempts)
    where ${isClaimed(sink)}`.execute(db)
}

function claims(settled: readonly { readonly claim: Claim }[]) {
  return sql`${settled.map(({ claim }) => claim.workspaceId)}::text[],
    ${settled.map(({ claim }) => claim.sequence)}::bigint[],
    ${settled.map(({ claim }) => claim.attempts)}::integer[]`
}

/** Compared so that statistics of a time in which nothing is pending cannot make few of many rows. */
function isClaimed(sink: string) {
  return sql`delivery.sink = ${sink} and delivery.workspace_id = settled.workspace_id
    and delivery.sequence = settled.sequence
    and case when delivery.state = 'pending' then delivery.attempts end = settled.attempts`
}

function attempts(settled: readonly { readonly attempt: Attempt | undefined }[]) {
  return sql`${settled.map(({ attempt }) => attempt && JSON.stringify(attempt))}`
}

const extended = sql`case
  when settled.attempt is null then delivery.history
  when jsonb_array_length(delivery.history) < ${sql.lit(LONGEST_HISTORY)}
    then delivery.history || jsonb_build_array(settled.attempt)
  else (delivery.history - 0) || jsonb_build_array(settled.attempt) end`
