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

export async function isActive(db: Kysely<Database>, id: IntegrationId): Promise<boolean> {
  const row = await db
    .selectFrom('integration')
    .select('id')
    .where('id', '=', id)
    .where('status', '=', 'active')
    .executeTakeFirst()
  return row !== undefined
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
      pausedBeforeError: false,
      zendeskUserId,
      connectedAt: sql<Date>`now()`,
      scheduledFrom: sql<Date>`coalesce(scheduled_from, now())`,
    })
    .where('id', '=', integration.id)
    .execute()
}

/** Stops the integration with a reason. The same reason again keeps the instant of the first. */
export async function flagErrored(
  db: Kysely<Database>,
  id: IntegrationId,
  error: IntegrationError,
): Promise<void> {
  await db
    .updateTable('integration')
    .set(asErrored(error))
    .where('id', '=', id)
    .where('status', 'in', statusesBefore('failed'))
    .execute()
}

/**
 * Stops every integration that works with the OAuth client of this one: Zendesk rejects the client,
 * which is our configuration, and nothing that uses it can be refreshed. What is never refreshed works
 * on. Rows are locked in one order, for several workers find out at once.
 */
export async function flagClient(
  db: Kysely<Database>,
  id: IntegrationId,
  error: IntegrationError,
): Promise<void> {
  await db
    .updateTable('integration')
    .set(asErrored(error))
    .where('id', 'in', (query) =>
      query
        .selectFrom('integration')
        .innerJoin('credential', 'credential.integrationId', 'integration.id')
        .select('integration.id')
        .where('integration.status', 'in', ['active', 'paused'])
        .where('credential.refreshToken', 'is not', null)
        .where('credential.clientId', '=', (own) =>
          own.selectFrom('credential').select('clientId').where('integrationId', '=', id),
        )
        .orderBy('integration.id')
        .forNoKeyUpdate('integration'),
    )
    .execute()
}

/** Stops what Zendesk's refusal concerns: one integration, or all that share its OAuth client. */
export function flagRefused(
  db: Kysely<Database>,
  id: IntegrationId,
  error: IntegrationError,
): Promise<void> {
  return error.code === 'client_rejected' ? flagClient(db, id, error) : flagErrored(db, id, error)
}

/** Ends a `client_rejected` that has passed; false if the integration does not suffer from it. */
export async function markHealed(trx: Transaction<Database>, id: IntegrationId): Promise<boolean> {
  const healed = await trx
    .updateTable('integration')
    .set({
      status: sql<IntegrationStatus>`case when paused_before_error then 'paused' else 'active' end`,
      statusSince: sql<Date>`now()`,
      errorCode: null,
      errorMessage: null,
      pausedBeforeError: false,
    })
    .where('id', '=', id)
    .where('status', 'in', statusesBefore('healed'))
    .where('errorCode', '=', 'client_rejected')
    .returning('id')
    .executeTakeFirst()
  return healed !== undefined
}

/** Its stored tickets have been held against this version of the workspace's filters. */
export async function saveAppliedFilters(
  trx: Transaction<Database>,
  id: IntegrationId,
  filtersVersion: number,
): Promise<void> {
  await trx.updateTable('integration').set({ filtersVersion }).where('id', '=', id).execute()
}

/** Until then everything that has changed is read at the comments endpoint. */
export async function saveCarefulUntil(
  trx: Transaction<Database>,
  id: IntegrationId,
  carefulUntil: Date,
): Promise<void> {
  await trx.updateTable('integration').set({ carefulUntil }).where('id', '=', id).execute()
}

function asErrored({ code, message }: IntegrationError) {
  return {
    status: 'errored' as const,
    statusSince: sql<Date>`case when error_code = ${code} then status_since else now() end`,
    errorCode: code,
    errorMessage: message,
    pausedBeforeError: sql<boolean>`status = 'paused' or paused_before_error`,
  }
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
    filtersVersion: row.filtersVersion,
    carefulUntil: row.carefulUntil,
    createdAt: row.createdAt,
  }
}

function toError(row: Selectable<IntegrationTable>): IntegrationError | null {
  if (row.errorCode === null || row.errorMessage === null) return null
  // Only `flagErrored` writes the column, and only with a code of this union.
  return { code: row.errorCode as IntegrationErrorCode, message: row.errorMessage }
}
