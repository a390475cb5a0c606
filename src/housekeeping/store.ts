import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'

/** Consents whose link has expired: whoever still opens one is told so, with or without its row. */
export async function pruneConsents(db: Kysely<Database>): Promise<{ consents: number }> {
  const { numDeletedRows } = await db
    .deleteFrom('consent')
    .where('expiresAt', '<', sql<DateTime>`now() - interval '1 hour'`)
    .executeTakeFirst()
  return { consents: Number(numDeletedRows) }
}
