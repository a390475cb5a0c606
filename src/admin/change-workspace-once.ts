import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { WorkspaceId } from '../ids.ts'
import type { Clock } from '../platform/clock.ts'
import { RequestError } from '../platform/errors.ts'
import { historyAfter } from '../workspace/calendar.ts'
import { createWorkspace, lockWorkspace, saveSettings } from '../workspace/store.ts'
import { type SettingsChange, type Workspace, changeSettings } from '../workspace/workspace.ts'

export interface ChangeDeps {
  readonly db: Kysely<Database>
  readonly clock: Clock
  readonly timeUtc: string
}

/** Makes the workspace if there is none, and changes what the change names. */
export async function changeWorkspaceOnce(
  { db, clock, timeUtc }: ChangeDeps,
  id: WorkspaceId,
  change: SettingsChange,
): Promise<{ workspace: Workspace; isNew: boolean }> {
  return db.transaction().execute(async (trx) => {
    const isNew = await createWorkspace(trx, id)
    const current = await lockWorkspace(trx, id)
    const settings = changeSettings(current, change)
    if (settings === 'refused') {
      throw new RequestError(422, 'invalid_input', 'the request cannot be accepted as it is', {
        details: ['freshness: "prompt" belongs to the plans pro and enterprise'],
      })
    }
    // Read under the lock: no pass finds a later slot by the old plan.
    const history = historyAfter(current, settings, { timeUtc, now: await clock(trx) })
    return { workspace: await saveSettings(trx, id, { ...settings, ...history }), isNew }
  })
}
