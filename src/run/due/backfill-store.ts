import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { startCursor } from '../../cursor/store.ts'
import type { IntegrationId } from '../../ids.ts'
import { insertRun, latestRun } from '../store.ts'

/**
 * The first consent begins the import; a later one takes up an import that an error had ended, from
 * the cursor where it stopped.
 */
export async function queueBackfill(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  windowFrom: Date,
): Promise<void> {
  const last = await latestRun(trx, integrationId, 'backfill')
  if (last !== undefined && last.state !== 'failed') return
  const from = last?.windowFrom.toJSDate() ?? windowFrom
  await startCursor(trx, integrationId, from)
  const stream = last?.stream ?? 'tickets'
  await insertRun(trx, { integrationId, kind: 'backfill', windowFrom: from, stream })
}

/** The same for an import that ended for a reason which has passed by itself. */
export async function resumeBackfill(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  reason: string,
): Promise<void> {
  const last = await latestRun(trx, integrationId, 'backfill')
  if (last?.error?.code !== reason) return
  await queueBackfill(trx, integrationId, last.windowFrom.toJSDate())
}
