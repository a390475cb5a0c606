import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { Database, IntegrationStatus, IntegrationTable } from '../../db/schema.ts'
import { IntegrationId, Subdomain, WorkspaceId } from '../ids.ts'
import type { IntegrationErrorCode } from '../platform/errors.ts'
import type { Integration, IntegrationError } from './integration.ts'
import { statusAfter, statusesBefore } from './status.ts'

export async function findIntegration(
  db: Kysely<Database>,
  id: IntegrationId,
): Promise<Integration | undefined> {
  const row = await db.selectFrom('integration').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toIntegration(row)
}

/** In the order of their ids, after the given one. */
export async function listIntegrations(
  db: Kysely<Database>,
  page: {
    limit: number
    after?: IntegrationId | undefined
    status?: IntegrationStatus | undefined
  },
): Promise<Integration[]> {
  const { limit, after, status } = page
  const rows = await db
    .selectFrom('integration')
    .selectAll()
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'active'))
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(toIntegration)
}

/**
 * Makes a pending integration with its lease, unless the workspace has one of this account that is
 * not disconnected. Either way the row is locked until the transaction ends.
 */
export async function createIntegration(
  trx: Transaction<Database>,
  account: { workspaceId: WorkspaceId; subdomain: Subdomain },
): Promise<Integration> {
  const made = await trx
    .insertInto('integration')
    .values(account)
    .onConflict((conflict) =>
      conflict
        .columns(['workspaceId', 'subdomain'])
        .where('status', '<>', 'disconnected')
        .doNothing(),
    )
    .returningAll()
    .executeTakeFirst()
  if (made !== undefined) {
    await trx.insertInto('lease').values({ integrationId: made.id }).execute()
    return toIntegration(made)
  }
  const found = await trx
    .selectFrom('integration')
    .selectAll()
    .where('workspaceId', '=', account.workspaceId)
    .where('subdomain', '=', account.subdomain)
    .where('status', '<>', 'disconnected')
    .forUpdate()
    .executeTakeFirstOrThrow()
  return toIntegration(found)
}

/** Holds the row until the transaction ends. */
export async function lockIntegration(
  trx: Transaction<Database>,
  id: IntegrationId,
): Promise<Integration | undefined> {
  const row = await trx
    .selectFrom('integration')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && toIntegration(row)
}

/** Consent was given: any error ends. The caller has locked the row it passes. */
export async function markConnected(
  trx: Transaction<Database>,
  integration: Integration,
  zendeskUserId: number,
): Promise<void> {
  const status = statusAfter(integration.status, 'connected')
  if (status === undefined) {
    throw new RangeError(`integration ${integration.id} cannot be connected: ${integration.status}`)
  }
  await trx
    .updateTable('integration')
    .set({
      status,
      ...(status !== integration.status && { statusSince: sql<Date>`now()` }),
      errorCode: null,
      errorMessage: null,
      zendeskUserId,
      connectedAt: sql<Date>`now()`,
    })
    .where('id', '=', integration.id)
    .execute()
}

/** Stops the integration with a reason. The same reason again keeps the instant of the first. */
export async function flagErrored(
  db: Kysely<Database>,
  id: IntegrationId,
  error: { code: IntegrationErrorCode; message: string },
): Promise<void> {
  await db
    .updateTable('integration')
    .set({
      status: 'errored',
      statusSince: sql<Date>`case when error_code = ${error.code} then status_since else now() end`,
      errorCode: error.code,
      errorMessage: error.message,
    })
    .where('id', '=', id)
    .where('status', 'in', statusesBefore('failed'))
    .execute()
}

function toIntegration(row: Selectable<IntegrationTable>): Integration {
  return {
    id: IntegrationId.parse(row.id),
    workspaceId: WorkspaceId.parse(row.workspaceId),
    subdomain: Subdomain.parse(row.subdomain),
    status: row.status,
    statusSince: row.statusSince,
    error: toError(row),
    zendeskUserId: row.zendeskUserId,
    connectedAt: row.connectedAt,
    createdAt: row.createdAt,
  }
}

function toError(row: Selectable<IntegrationTable>): IntegrationError | null {
  if (row.errorCode === null || row.errorMessage === null) return null
  // Only `flagErrored` writes the column, and only with a code of this union.
  return { code: row.errorCode as IntegrationErrorCode, message: row.errorMessage }
}
