import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'

/** People change sides seldom; what was learnt longer ago is asked again. */
const FRESH_FOR = '7 days'

/** Whether these authors are staff, as far as that is known. */
export async function readAuthors(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  userIds: readonly number[],
): Promise<ReadonlyMap<number, boolean>> {
  if (userIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('author')
    .select(['userId', 'isStaff'])
    .where('integrationId', '=', integrationId)
    .where('userId', '=', sql<number>`any(${userIds}::bigint[])`)
    .where(sql<boolean>`learnt_at > now() - ${FRESH_FOR}::interval`)
    .execute()
  return new Map(rows.map(({ userId, isStaff }) => [userId, isStaff]))
}

/** In the order of their numbers, so that two transactions never wait for each other. */
export async function saveAuthors(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  authors: ReadonlyMap<number, boolean>,
): Promise<void> {
  if (authors.size === 0) return
  const rows = [...authors]
    .sort(([a], [b]) => a - b)
    .map(([id, isStaff]) => ({ user_id: id, is_staff: isStaff }))
  await sql`
    insert into author as stored (integration_id, user_id, is_staff)
    select ${integrationId}::uuid, user_id, is_staff
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row (
      user_id bigint, is_staff boolean)
    on conflict (integration_id, user_id) do update set
      is_staff = excluded.is_staff, learnt_at = now()
    where stored.is_staff is distinct from excluded.is_staff
      or stored.learnt_at < now() - interval '1 day'`.execute(trx)
}
