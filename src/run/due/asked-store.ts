import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { readCursor } from '../../cursor/store.ts'
import { openWindow } from '../../cursor/window-store.ts'
import { type IntegrationId, RunId } from '../../ids.ts'
import { LOCK_NAMESPACE } from '../lease-store.ts'
import { asFailed, insertRun } from '../store.ts'

/** What people ask for: runs out of their turn, and that runs stand still or end. */

/** The run that reads the export, or is about to; undefined: there is none. */
export async function findReadingRun(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<RunId | undefined> {
  const row = await db
    .selectFrom('run')
    .select('id')
    .where('integrationId', '=', integrationId)
    .where('kind', '<>', 'hints')
    .where('finishedAt', 'is', null)
    .orderBy('createdAt')
    .limit(1)
    .executeTakeFirst()
  return row && RunId.parse(row.id)
}

/** A sync from where the export was read last; with a slot, it is the one of that slot. */
export async function insertSync(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  slot: Date | null = null,
): Promise<RunId> {
  const cursor = await readCursor(trx, integrationId)
  const from = cursor?.generatedAt ?? cursor?.startAt
  const windowFrom = from?.toJSDate() ?? new Date()
  return insertRun(trx, { integrationId, kind: 'sync', windowFrom, slot })
}

/** An import of a window once more, with a place of its own in the export. */
export async function insertWindowRun(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  windowFrom: Date,
): Promise<RunId> {
  await openWindow(trx, integrationId, windowFrom)
  return insertRun(trx, { integrationId, kind: 'backfill', windowFrom, stream: 'window' })
}

/** The newest slot that has become a run, and from when on slots concern the integration. */
export async function readSlots(trx: Transaction<Database>, integrationId: IntegrationId) {
  const { scheduledFrom } = await trx
    .selectFrom('integration')
    .select('scheduledFrom')
    .where('id', '=', integrationId)
    .executeTakeFirstOrThrow()
  const { last } = await trx
    .selectFrom('run')
    .select(({ fn }) => fn.max('slot').as('last'))
    .where('integrationId', '=', integrationId)
    .executeTakeFirstOrThrow()
  return { scheduledFrom, last }
}

/** Runs of an integration that is not active wait; they go on where they are when it is again. */
export async function holdRuns(db: Kysely<Database>, integrationId: IntegrationId): Promise<void> {
  await db
    .updateTable('run')
    .set({ state: 'waiting', waitReason: 'the integration is not active' })
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .where('state', '=', 'running')
    .execute()
}

/** Ends whatever is unfinished. */
export async function endRuns(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await trx
    .updateTable('run')
    .set(asFailed(error))
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .execute()
}

/** Whether a worker is still at a run of the integration, in whatever process. */
export async function isWorkedOn(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  const { rows } = await sql`
    select from lease
    join pg_locks on pg_locks.objid = lease.lock_number::bigint::oid
    where lease.integration_id = ${integrationId}::uuid and pg_locks.locktype = 'advisory'
      and pg_locks.classid = ${LOCK_NAMESPACE}::bigint::oid and pg_locks.objsubid = 2
      and pg_locks.granted
      and pg_locks.database = (select oid from pg_database where datname = current_database())`.execute(
    db,
  )
  return rows.length > 0
}
