import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import type { RequestCount } from './request-counts.ts'

/** Adds to what was counted before, in one statement; rows in one order, so that nobody deadlocks. */
export async function addRequestCounts(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  counts: readonly RequestCount[],
): Promise<void> {
  if (counts.length === 0) return
  const rows = counts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  await db
    .insertInto('requestCount')
    .values(rows.map((row) => ({ integrationId, ...row })))
    .onConflict((conflict) =>
      conflict.columns(['integrationId', 'family', 'status']).doUpdateSet({
        requests: sql<number>`request_count.requests + excluded.requests`,
      }),
    )
    .execute()
}

function keyOf({ family, status }: RequestCount): string {
  return `${family} ${status}`
}
