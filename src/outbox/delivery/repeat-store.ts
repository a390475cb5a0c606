import { type RawBuilder, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'

/**
 * A sink that gets all revisions and is brought an old one again would take it for the newest. So
 * whatever of these transcripts it has been given beyond the number `after` of their feed follows once
 * more: that is made pending again, and what is under way is so without end, for its claim does not count
 * any more. What ended within the range up to `through` is left to the caller. The sink's lock is held.
 */
export async function repeatLater(
  trx: Transaction<Database>,
  names: readonly string[],
  later: {
    /** Rows of integration_id and ticket_id. */
    readonly transcripts: RawBuilder<unknown>
    readonly after: number
    readonly through: number
  },
): Promise<void> {
  const attempts = sql`known.attempts + (known.state = 'pending')::integer`
  await sql`
    with told as materialized (select distinct integration_id, ticket_id from ${later.transcripts}),
    entry as materialized (
      select outbox_entry.workspace_id, outbox_entry.sequence
      from told join outbox_entry using (integration_id, ticket_id)
      where outbox_entry.sequence > ${later.after}
    )
    update delivery as known set state = 'pending', replayed = true, attempts = ${attempts},
      attempts_before = ${attempts}, created_at = now(), next_attempt_at = now(), settled_at = null
    from entry
    where known.workspace_id = entry.workspace_id and known.sequence = entry.sequence
      and known.sink = any(${names}::text[])
      and case when known.state = 'pending' then known.claimed_until > now()
        else known.sequence > ${later.through} end`.execute(trx)
}
