import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'

/** How far a sink has come in the feed of a workspace. */
export interface Position {
  readonly workspaceId: WorkspaceId
  readonly sequence: number
}

export interface Behind extends Position {
  /** Entries that the sink has not come to and that are pruned: it goes on behind them. */
  readonly missed: number
}

/** The workspaces with entries that a sink has not come to yet, or this one, with the position of each. */
export async function findBehind(
  db: Kysely<Database>,
  sink: string,
  limit: number,
  workspaceId?: WorkspaceId | null,
): Promise<Behind[]> {
  const rows = await db
    .selectFrom('feed')
    .leftJoin('sinkPosition as position', (join) =>
      join.onRef('position.workspaceId', '=', 'feed.workspaceId').on('position.sink', '=', sink),
    )
    .select([
      'feed.workspaceId',
      sql<number>`coalesce(position.sequence, 0)`.as('sequence'),
      sql<number>`greatest(feed.pruned_through - coalesce(position.sequence, 0), 0)`.as('missed'),
    ])
    .where(sql<boolean>`feed.last_sequence > coalesce(position.sequence, 0)`)
    .$if(typeof workspaceId === 'string', (query) =>
      query.where('feed.workspaceId', '=', workspaceId ?? ''),
    )
    .orderBy('feed.workspaceId')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, workspaceId: WorkspaceId.parse(row.workspaceId) }))
}

/** Lets one transaction at a time write to a sink; false if another one does. */
export async function tryLockSink(trx: Transaction<Database>, sink: string): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`sink ${sink}`}, 0)) as locked`.execute(trx)
  return rows[0]?.locked === true
}

/**
 * The position of a sink in a workspace, locked until the transaction ends. One that begins where the
 * feed is pruned already stands behind what is gone.
 */
export async function lockPosition(
  trx: Transaction<Database>,
  sink: string,
  workspaceId: WorkspaceId,
): Promise<number> {
  const row = await trx
    .insertInto('sinkPosition')
    .values({
      sink,
      workspaceId,
      sequence: sql<number>`coalesce(
        (select pruned_through from feed where workspace_id = ${workspaceId}), 0)`,
    })
    .onConflict((conflict) =>
      conflict.columns(['sink', 'workspaceId']).doUpdateSet({
        sequence: sql<number>`greatest(sink_position.sequence, excluded.sequence)`,
      }),
    )
    .returning('sequence')
    .executeTakeFirstOrThrow()
  return row.sequence
}

export async function savePosition(
  trx: Transaction<Database>,
  sink: string,
  position: Position,
): Promise<void> {
  await trx
    .updateTable('sinkPosition')
    .set({ sequence: position.sequence })
    .where('sink', '=', sink)
    .where('workspaceId', '=', position.workspaceId)
    .execute()
}
