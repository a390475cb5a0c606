import { type Transaction, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { RunId } from '../../ids.ts'

/** Writes down how much of its window a run has read from the end, while the rest is being read. */
export async function saveAhead(
  trx: Transaction<Database>,
  id: RunId,
  aheadMs: number,
): Promise<void> {
  await trx.updateTable('run').set({ aheadMs }).where('id', '=', id).execute()
}

/** Nothing is ahead any more: all up to this instant, or what was reached before, is settled. */
export async function reach(
  trx: Transaction<Database>,
  id: RunId,
  instant: Date | null,
): Promise<void> {
  await trx
    .updateTable('run')
    .set({ aheadMs: 0, reachedAt: sql<Date>`greatest(reached_at, ${instant}::timestamptz)` })
    .where('id', '=', id)
    .execute()
}
