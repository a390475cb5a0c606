import type { Kysely } from 'kysely'
import type { Database, IntegrationStatus, Plan, SyncDay } from '../../db/schema.ts'
import { type IntegrationId, Subdomain, WorkspaceId } from '../../src/ids.ts'
import { createIntegration } from '../../src/integration/store.ts'
import { createWorkspace } from '../../src/workspace/store.ts'
import { at } from './zendesk-rows.ts'

/** A workspace whose plan and day stand since an instant. */
export async function aScheduledWorkspace(
  db: Kysely<Database>,
  settings: { id?: string; plan: Plan; syncDay?: SyncDay; since: string },
): Promise<WorkspaceId> {
  const id = WorkspaceId.parse(settings.id ?? 'w1')
  const { plan, syncDay = 'monday', since } = settings
  await db.transaction().execute((trx) => createWorkspace(trx, id))
  await db
    .updateTable('workspace')
    .set({ plan, syncDay, scheduledSince: at(since).toJSDate() })
    .where('id', '=', id)
    .execute()
  return id
}

/** An integration that was first consented to at an instant, with its cursor there. */
export async function aScheduledIntegration(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  { from, subdomain = 'acme' }: { from: string | null; subdomain?: string },
): Promise<IntegrationId> {
  const account = { workspaceId, subdomain: Subdomain.parse(subdomain) }
  const { id } = await db.transaction().execute((trx) => createIntegration(trx, account))
  if (from === null) return id
  const startAt = at(from).toJSDate()
  await db
    .updateTable('integration')
    .set({ status: 'active', scheduledFrom: startAt })
    .where('id', '=', id)
    .execute()
  await db
    .insertInto('cursor')
    .values({ integrationId: id, stream: 'tickets', startAt, pageSize: 1000 })
    .execute()
  return id
}

export async function setStatus(
  db: Kysely<Database>,
  id: IntegrationId,
  status: IntegrationStatus,
): Promise<void> {
  const error = status === 'errored' ? 'role_insufficient' : null
  await db
    .updateTable('integration')
    .set({ status, errorCode: error, errorMessage: error })
    .where('id', '=', id)
    .execute()
}

/** The slots of the integration's runs, oldest first. */
export async function slotsOf(db: Kysely<Database>, id: IntegrationId): Promise<string[]> {
  const rows = await db
    .selectFrom('run')
    .select(['slot', 'kind'])
    .where('integrationId', '=', id)
    .where('slot', 'is not', null)
    .orderBy('slot')
    .execute()
  return rows.map(({ slot, kind }) => {
    if (kind !== 'sync') throw new Error(`the run of a slot is of kind ${kind}`)
    return slot?.toISO() ?? ''
  })
}
