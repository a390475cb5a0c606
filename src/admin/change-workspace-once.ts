import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { WorkspaceId } from '../ids.ts'
import { RequestError } from '../platform/errors.ts'
import { createWorkspace, lockWorkspace, saveSettings } from '../workspace/store.ts'
import { type SettingsChange, type Workspace, changeSettings } from '../workspace/workspace.ts'

/** Makes the workspace if there is none, and changes what the change names. */
export async function changeWorkspaceOnce(
  db: Kysely<Database>,
  id: WorkspaceId,
  change: SettingsChange,
): Promise<{ workspace: Workspace; isNew: boolean }> {
  return db.transaction().execute(async (trx) => {
    const isNew = await createWorkspace(trx, id)
    const settings = changeSettings(await lockWorkspace(trx, id), change)
    if (settings === 'refused') {
      throw new RequestError(422, 'invalid_input', 'the request cannot be accepted as it is', {
        details: ['freshness: "prompt" belongs to the plans pro and enterprise'],
      })
    }
    return { workspace: await saveSettings(trx, id, settings), isNew }
  })
}
