import { type Transaction, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { RunId } from '../ids.ts'
import type { Run } from './store.ts'

/** Adds news that a run has told: of tickets that a hint pointed to, and that none did. */
export async function addNews(
  trx: Transaction<Database>,
  id: RunId,
  { hinted, silent }: { readonly hinted: number; readonly silent: number },
): Promise<void> {
  if (hinted === 0 && silent === 0) return
  await trx
    .updateTable('run')
    .set({
      newsHinted: sql<number>`news_hinted + ${hinted}`,
      // A ticket that was told of twice was counted once.
      newsSilent: sql<number>`greatest(0, news_silent + ${silent})`,
    })
    .where('id', '=', id)
    .execute()
}

/**
 * Keeps which part of the news since the sync before this one came without a hint: runs of hints have
 * told theirs meanwhile. A sync that reaches back to when there was no webhook says nothing of it, nor
 * does one without any news.
 */
export async function saveSilentShare(
  trx: Transaction<Database>,
  { id, integrationId, windowFrom }: Run,
): Promise<void> {
  await sql`
    update webhook set silent_share = told.silent / (told.silent + told.hinted)
    from (
      select sum(news_silent)::float8 as silent, sum(news_hinted)::float8 as hinted
      from run
      where integration_id = ${integrationId}::uuid
        and created_at >= least(${windowFrom.toJSDate()}::timestamptz,
          (select created_at from run where id = ${id}::uuid))
        and (kind = 'hints' or id = ${id}::uuid)
    ) told
    where webhook.integration_id = ${integrationId}::uuid
      and webhook.created_at <= ${windowFrom.toJSDate()}::timestamptz
      and told.silent + told.hinted > 0`.execute(trx)
}
