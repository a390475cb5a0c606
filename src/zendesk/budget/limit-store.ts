import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { DEFAULT_LIMITS, type Family, capOf } from './family.ts'
import type { Spender } from './permit-store.ts'

/** Requests a minute that we may send to an account if nobody else does, as far as it is known. */
export async function readPace(
  db: Kysely<Database>,
  { subdomain, quotaShare }: Spender,
): Promise<Readonly<Record<'account' | 'incremental', number>>> {
  const rows = await db
    .selectFrom('budget')
    .select(['family', 'limitPerMinute'])
    .where('account', '=', subdomain)
    .execute()
  const paceOf = (family: Family): number => {
    const row = rows.find((it) => it.family === family)
    const limit = row?.limitPerMinute ?? DEFAULT_LIMITS[family] ?? Infinity
    return capOf(limit, quotaShare)
  }
  return { account: paceOf('account'), incremental: paceOf('incremental') }
}
