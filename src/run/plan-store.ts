import { type Kysely, type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId, RunId } from '../ids.ts'
import { type PageTally, addPage, planOf } from './plan.ts'

/** Adds what was chosen for one page; in the transaction that completes it. */
export async function addToPlan(
  trx: Transaction<Database>,
  id: RunId,
  page: PageTally,
): Promise<void> {
  const { kind, plan } = await trx
    .selectFrom('run')
    .select(['kind', 'plan'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const added = JSON.stringify(addPage(planOf(plan, kind), page))
  await trx.updateTable('run').set({ plan: added }).where('id', '=', id).execute()
}

/** Tickets that were read a second time, by the other way, and how many of them were not the same. */
export interface Drift {
  readonly sampled: number
  readonly found: number
}

export async function addDrift(
  trx: Transaction<Database>,
  id: RunId,
  { sampled, found }: Drift,
): Promise<void> {
  if (sampled === 0) return
  await trx
    .updateTable('run')
    .set((eb) => ({
      driftSampled: eb('driftSampled', '+', sampled),
      driftFound: eb('driftFound', '+', found),
    }))
    .where('id', '=', id)
    .execute()
}

/** What the last so many runs of an integration have found, all of them together. */
export async function recentDrift(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  runs: { readonly count: number; readonly since: Date },
): Promise<Drift> {
  const { rows } = await sql<Drift>`
    select coalesce(sum(drift_sampled), 0)::integer as sampled,
      coalesce(sum(drift_found), 0)::integer as found
    from (
      select drift_sampled, drift_found from run
      where integration_id = ${integrationId}::uuid and created_at > ${runs.since}
      order by created_at desc limit ${runs.count}) as recent`.execute(db)
  return rows[0] ?? { sampled: 0, found: 0 }
}
