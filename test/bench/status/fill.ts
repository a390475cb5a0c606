import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { fillRows } from '../../db/filled-rows.ts'

/** Of each row of the outbox a ticket has been published so many times more, and told of as often. */
export interface Filled {
  readonly hints: number
  readonly entries: number
  readonly deliveries: number
}

/**
 * A service of 10,000 integrations that has taken in and given out so many rows of either kind, each
 * with a delivery. One hint and one delivery in fifty are pending, and a workspace in twenty is behind.
 * The tables are ordinary ones and are left as autovacuum leaves them.
 */
export async function fillService(db: Kysely<Database>, rows: number): Promise<Filled> {
  await fillRows(db, Math.max(10_000, rows / 10))
  const { hints, entries } = await countRows(db)
  await copyInto(db, 'hint', copiesOfHints(Math.ceil(rows / hints) - 1))
  await copyInto(db, 'outbox_entry', copiesOfEntries(Math.ceil(rows / entries) - 1))
  await copyInto(db, 'delivery', theirDeliveries)
  for (const statement of endings) await statement.execute(db)
  for (const table of ['hint', 'outbox_entry', 'delivery', 'transcript', 'feed', 'sink_position']) {
    await sql`vacuum (analyze) ${sql.table(table)}`.execute(db)
  }
  return await countRows(db)
}

/**
 * Foreign keys hold by what is inserted, and indexes are built when all rows are there: one row after
 * the other they would take an hour.
 */
async function copyInto(
  db: Kysely<Database>,
  table: string,
  statement: ReturnType<typeof sql>,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await sql`set local maintenance_work_mem = '512MB'`.execute(trx)
    await sql`
      update pg_index set indisready = false, indisvalid = false
      where indrelid = ${table}::regclass`.execute(trx)
    await statement.execute(trx)
    await sql`reindex table ${sql.table(table)}`.execute(trx)
  })
}

function copiesOfHints(copies: number) {
  return sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, received_at,
      due_at, settled_at, outcome)
    select integration_id, event_id || '-' || copy, ticket_id, type, class, occurred_at,
      received_at - copy * interval '10 seconds', due_at, settled_at - copy * interval '1 minute',
      outcome
    from generate_series(1, ${copies}::int) copy, hint`
}

/** Numbers are given without a gap: the copies of a feed's entries follow each other. */
function copiesOfEntries(copies: number) {
  return sql`
    insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id, revision,
      content_hash, published_at)
    select workspace_id, feed.last_sequence * copy + sequence, id || '-' || copy, type,
      integration_id, ticket_id, revision + copy, content_hash,
      published_at - interval '30 days' + copy * interval '1 day'
    from generate_series(1, ${copies}::int) copy, outbox_entry join feed using (workspace_id)`
}

const theirDeliveries = sql`
  insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id, state, attempts,
    history, created_at, next_attempt_at, settled_at, outcome)
  select 'http', workspace_id, sequence, integration_id, ticket_id,
    case when ticket_id % 50 = 0 then 'pending' else 'delivered' end, 1,
    '[{"attempt":1,"at":"2026-01-01T00:00:00Z","ms":12,"outcome":"answered 200"}]',
    published_at, now() + interval '1 hour', case when ticket_id % 50 <> 0 then now() end,
    'answered 200'
  from outbox_entry join feed using (workspace_id) where sequence > feed.last_sequence`

const endings = [
  sql`
    update feed set last_sequence = (
      select max(sequence) from outbox_entry where outbox_entry.workspace_id = feed.workspace_id)`,
  sql`
    update sink_position as position
    set sequence = case when hashtext(feed.workspace_id) % 20 = 0 then position.sequence
      else feed.last_sequence end
    from feed where feed.workspace_id = position.workspace_id`,
  sql`
    update integration set status = 'paused' where status = 'active' and hashtext(subdomain) % 40 = 0`,
]

async function countRows(db: Kysely<Database>): Promise<Filled> {
  const { rows } = await sql<Filled>`
    select (select count(*) from hint) as hints, (select count(*) from outbox_entry) as entries,
      (select count(*) from delivery) as deliveries`.execute(db)
  const [counted] = rows
  if (counted === undefined) throw new RangeError('a count gave no row')
  return counted
}
