import { type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { WorkspaceId } from '../../ids.ts'
import type { Position } from '../position-store.ts'

/** A delivery lent to one worker. `attempts` counts this attempt and tells its claim from a later one. */
export interface Claim extends Position {
  readonly attempts: number
  /** Of these, those before it was made pending again. */
  readonly attemptsBefore: number
  readonly replayed: boolean
}

/**
 * Lends out deliveries that are due: of each transcript the earliest that is pending, and none while
 * another one is under way, so that the next one waits until this one is settled. A claim that is not
 * settled in time is lent out again. Claims on one sink follow each other under its lock: each sees
 * what the one before it has lent.
 *
 * `offset 0` keeps the look at each transcript a look-up of its own, and `settled_at` makes it one in
 * the index that begins with the transcript: see decision 0025.
 */
export async function claimDeliveries(
  trx: Transaction<Database>,
  sink: string,
  options: { readonly limit: number; readonly leaseSeconds: number },
): Promise<Claim[]> {
  const { rows } = await sql<{ [Key in keyof Claim]: Claim[Key] }>`
    with due as materialized (
      select workspace_id, sequence from delivery
      where sink = ${sink} and state = 'pending' and next_attempt_at <= now()
        and (claimed_until is null or claimed_until <= now())
        and not exists (
          select from delivery as other
          where other.integration_id = delivery.integration_id
            and other.ticket_id = delivery.ticket_id and other.sequence <> delivery.sequence
            and other.settled_at is null and other.sink is not distinct from delivery.sink
            and (other.sequence < delivery.sequence or other.claimed_until > now())
          offset 0)
      order by next_attempt_at limit ${options.limit}
      for update skip locked
    )
    update delivery
    set claimed_until = now() + make_interval(secs => ${options.leaseSeconds}),
      attempts = delivery.attempts + 1
    from due
    where delivery.sink = ${sink} and delivery.workspace_id = due.workspace_id
      and delivery.sequence = due.sequence
    returning delivery.workspace_id as "workspaceId", delivery.sequence, delivery.attempts,
      delivery.attempts_before as "attemptsBefore", delivery.replayed`.execute(trx)
  return rows.map((row) => ({ ...row, workspaceId: WorkspaceId.parse(row.workspaceId) }))
}
