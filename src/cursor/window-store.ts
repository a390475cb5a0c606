import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { LARGEST_PAGE, atStart } from './store.ts'

/**
 * A window that is imported again is read by a cursor of its own. The one of the syncs stays where it
 * is until the window has come to its end, so that a crash, or an import that is given up, loses nothing.
 */

/** Puts the second cursor at the start of the window, wherever an earlier one had come to. */
export async function openWindow(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  startAt: Date,
): Promise<void> {
  const place = {
    ...atStart,
    startAt,
    generatedAt: null,
    pageSize: LARGEST_PAGE,
    endReachedAt: null,
  }
  await trx
    .insertInto('cursor')
    .values({ integrationId, stream: 'window', ...place })
    .onConflict((conflict) => conflict.columns(['integrationId', 'stream']).doUpdateSet(place))
    .execute()
}

/**
 * The window is read to the end of the export: syncs go on from there, unless they had not even come
 * to its start, for what lies between was read by nobody.
 */
export async function closeWindow(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  windowFrom: Date,
): Promise<void> {
  await sql`
    with ended as (
      delete from cursor where integration_id = ${integrationId}::uuid and stream = 'window'
      returning *
    )
    update cursor set after_cursor = ended.after_cursor, start_at = ended.start_at,
      generated_at = ended.generated_at, end_reached_at = ended.end_reached_at,
      moves = 0, landmark = null
    from ended
    where cursor.integration_id = ${integrationId}::uuid and cursor.stream = 'tickets'
      and coalesce(cursor.generated_at, cursor.start_at) >= ${windowFrom}::timestamptz
      and ended.end_reached_at is not null and ended.generated_at >= cursor.generated_at`.execute(
    trx,
  )
}
