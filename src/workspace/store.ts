import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { Database, WorkspaceTable } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'
import type { SlotHistory } from './calendar.ts'
import type { Filters } from './filter.ts'
import type { Settings, Workspace } from './workspace.ts'

export async function findWorkspace(
  db: Kysely<Database>,
  id: WorkspaceId,
): Promise<Workspace | undefined> {
  const row = await db.selectFrom('workspace').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toWorkspace(row)
}

/** In the order of their ids, after the given one. */
export async function listWorkspaces(
  db: Kysely<Database>,
  page: { limit: number; after?: WorkspaceId | undefined },
): Promise<Workspace[]> {
  const rows = await db
    .selectFrom('workspace')
    .selectAll()
    .where('id', '>', page.after ?? '')
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toWorkspace)
}

/** Makes the workspace with its feed, or leaves both as they are; says whether it made them. */
export async function createWorkspace(
  trx: Transaction<Database>,
  id: WorkspaceId,
): Promise<boolean> {
  const made = await trx
    .insertInto('workspace')
    .values({ id })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made === undefined) return false
  await trx.insertInto('feed').values({ workspaceId: id }).execute()
  return true
}

/** Holds the row until the transaction ends, so that two partial changes at once both count. */
export async function lockWorkspace(
  trx: Transaction<Database>,
  id: WorkspaceId,
): Promise<Workspace> {
  const row = await trx
    .selectFrom('workspace')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return toWorkspace(row)
}

export async function saveSettings(
  trx: Transaction<Database>,
  id: WorkspaceId,
  settings: Settings & SlotHistory,
): Promise<Workspace> {
  const row = await trx
    .updateTable('workspace')
    .set({
      plan: settings.plan,
      syncDay: settings.syncDay,
      scheduledSince: settings.scheduledSince.toJSDate(),
      earlierSlot: settings.earlierSlot?.toJSDate() ?? null,
      filtersVersion: sql<number>`filters_version + ${filtersChanged(settings.filters)}::integer`,
      zendeskIncludeTags: [...settings.filters.includeTags],
      zendeskExcludeTags: [...settings.filters.excludeTags],
      zendeskIncludeGroupIds: [...settings.filters.includeGroupIds],
      quotaShare: settings.quotaShare,
      freshness: settings.freshness,
      updatedAt: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toWorkspace(row)
}

function filtersChanged({ includeTags, excludeTags, includeGroupIds }: Filters) {
  return sql<boolean>`((zendesk_include_tags, zendesk_exclude_tags, zendesk_include_group_ids)
    is distinct from (${includeTags}::text[], ${excludeTags}::text[], ${includeGroupIds}::bigint[]))`
}

function toWorkspace(row: Selectable<WorkspaceTable>): Workspace {
  return {
    id: WorkspaceId.parse(row.id),
    filtersVersion: row.filtersVersion,
    plan: row.plan,
    syncDay: row.syncDay,
    scheduledSince: row.scheduledSince,
    earlierSlot: row.earlierSlot,
    filters: {
      includeTags: row.zendeskIncludeTags,
      excludeTags: row.zendeskExcludeTags,
      includeGroupIds: row.zendeskIncludeGroupIds,
    },
    quotaShare: row.quotaShare,
    freshness: row.freshness,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
