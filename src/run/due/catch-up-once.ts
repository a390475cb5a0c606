import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Integration } from '../../integration/integration.ts'
import { databaseClock } from '../../platform/clock.ts'
import { newestSlot } from '../../workspace/calendar.ts'
import { findWorkspace } from '../../workspace/store.ts'
import { findReadingRun, insertSync, readSlots } from './asked-store.ts'

/**
 * Makes up for what an integration that stood still has missed, by one sync or by the run that stood
 * still with it. It takes the newest slot that was skipped, so that the schedule does not make a second
 * sync of it; one without a slot takes the place of a run that the standstill has ended.
 */
export async function catchUp(
  trx: Transaction<Database>,
  { id, workspaceId }: Pick<Integration, 'id' | 'workspaceId'>,
  timeUtc: string,
): Promise<void> {
  const workspace = await findWorkspace(trx, workspaceId)
  const newest = workspace && newestSlot(workspace, timeUtc, await databaseClock(trx))
  const { scheduledFrom, last } = await readSlots(trx, id)
  const isMissed =
    newest !== undefined &&
    newest !== null &&
    scheduledFrom !== null &&
    newest > scheduledFrom &&
    (last === null || newest > last)
  if (isMissed) await insertSync(trx, id, newest.toJSDate())
  else if ((await findReadingRun(trx, id)) === undefined) await insertSync(trx, id)
}
