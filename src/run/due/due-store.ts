import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database, RunKind } from '../../../db/schema.ts'
import { IntegrationId, type RunId } from '../../ids.ts'
import { LOCK_NAMESPACE } from '../lease-store.ts'
import { type Run, isUnfinished, toRun } from '../store.ts'

/**
 * Whether a run waits for nothing but a worker. Of those that read the export only the oldest one is
 * due: a sync never overtakes the import whose cursor it goes on from, not even while that import is
 * put off.
 */
const isDue: RawBuilder<boolean> = sql<boolean>`(
  run.finished_at is null and run.resume_at <= now() and (run.kind = 'hints' or run.created_at = (
    select min(oldest.created_at) from run oldest
    where oldest.integration_id = run.integration_id and oldest.finished_at is null
      and oldest.kind <> 'hints')))`

/** The run that this integration does next: one of hints, else the oldest of those that are due. */
export async function findDueRun(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  kinds: readonly RunKind[] = ['hints', 'backfill', 'sync'],
): Promise<Run | undefined> {
  const row = await db
    .selectFrom('run')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .where('kind', 'in', kinds)
    .where(isDue)
    .orderBy(sql`run.kind = 'hints'`, 'desc')
    .orderBy('createdAt')
    .limit(1)
    .executeTakeFirst()
  return row && toRun(row)
}

/** Whether a run of hints waits for this integration's turn. */
export async function hasHintsRun(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  const row = await db
    .selectFrom('run')
    .select('id')
    .where('integrationId', '=', integrationId)
    .where('kind', '=', 'hints')
    .where(isDue)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** An integration that wants a worker, and whose turn it is among those of its workspace, from 1. */
export interface Turn {
  readonly integrationId: IntegrationId
  readonly turn: number
  /** Whether it has a run of hints. */
  readonly hinted: boolean
}

/**
 * Integrations with a due run that no worker is at, in turns: of each workspace the one that waits
 * longest, those with hints before all others, then the second of each. So a workspace with a
 * thousand of them holds up no other.
 */
export async function dueTurns(db: Kysely<Database>, limit: number): Promise<Turn[]> {
  const { rows } = await sql<{ integrationId: string; turn: number; hinted: boolean }>`
    with held as materialized (
      select lease.integration_id from pg_locks
      join lease on lease.lock_number = pg_locks.objid::bigint
      where pg_locks.locktype = 'advisory' and pg_locks.classid = ${LOCK_NAMESPACE}::bigint::oid
        and pg_locks.objsubid = 2 and pg_locks.granted
        and pg_locks.database = (select oid from pg_database where datname = current_database())
    ), due as (
      select integration_id, bool_or(kind = 'hints') as hinted, min(resume_at) as since from run
      where ${isDue} group by integration_id
    ), turns as (
      select due.*, row_number() over (partition by workspace_id order by hinted desc, since, id)
        as turn
      from due join integration on integration.id = due.integration_id
      where integration.status = 'active' and due.integration_id not in (table held)
    )
    select integration_id as "integrationId", turn, hinted from turns
    order by turn, since limit ${limit}`.execute(db)
  return rows.map(({ integrationId, ...turn }) => ({
    integrationId: IntegrationId.parse(integrationId),
    ...turn,
  }))
}

/** The same for one integration, whether a worker is at it or not; none if nothing is due. */
export async function dueTurnOf(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Turn[]> {
  const { rows } = await sql<{ turn: number; hinted: boolean }>`
    select own.hinted, case when own.hinted then 1 else 1 + (
      select count(*) from integration other
      where other.workspace_id = integration.workspace_id and other.id <> integration.id
        and other.status = 'active' and exists (
          select from run where run.integration_id = other.id and run.finished_at is null
            and run.resume_at <= own.since offset 0)
    ) end as turn
    from integration, lateral (
      select bool_or(kind = 'hints') as hinted, min(resume_at) as since from run
      where run.integration_id = integration.id and ${isDue}
    ) own
    where integration.id = ${integrationId} and integration.status = 'active'
      and own.since is not null`.execute(db)
  return rows.map((turn) => ({ integrationId, ...turn }))
}

/** Puts a run that has had its slice behind all others of its workspace. */
export async function passTurn(db: Kysely<Database>, id: RunId): Promise<void> {
  await db
    .updateTable('run')
    .set({ resumeAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where(isUnfinished)
    .execute()
}
