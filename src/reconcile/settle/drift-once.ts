import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { saveCarefulUntil } from '../../integration/store.ts'
import { reconcileLog as log } from '../../platform/log.ts'
import { recentDrift } from '../../run/plan-store.ts'
import type { Pass } from '../store-tickets-once.ts'
import { DRIFT_RUNS, isDrifting } from './drift.ts'

/** How long an account is read in the careful way before the cheap ways are tried again. */
const CAREFUL_MS = 30 * 86_400_000

/**
 * Looks at what the last runs found when they read tickets a second time. Where the cheap ways have
 * led to other transcripts than the comments endpoint more often than chance explains, everything
 * that changes is read at that endpoint from then on, for some weeks. Runs before the last such time
 * count no more.
 */
export async function watchDriftOnce(
  trx: Transaction<Database>,
  { integration, run }: Pick<Pass, 'integration' | 'run'>,
): Promise<void> {
  const since = integration.carefulUntil?.toJSDate() ?? new Date(0)
  if (since.getTime() > Date.now()) return
  const drift = await recentDrift(trx, integration.id, { count: DRIFT_RUNS, since })
  if (!isDrifting(drift)) return
  await saveCarefulUntil(trx, integration.id, new Date(Date.now() + CAREFUL_MS))
  const fields = { integrationId: integration.id, runId: run.id, ...drift }
  log.warn(fields, 'transcripts have drifted, everything that changes is read ticket by ticket')
}
