import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { readTicketFacts } from '../../src/admin/explain/explain-store.ts'
import { closeWindow } from '../../src/cursor/window-store.ts'
import { disconnectOnce } from '../../src/housekeeping/disconnect/disconnect-once.ts'
import type { IntegrationId, TicketId, WorkspaceId } from '../../src/ids.ts'
import {
  findDisconnection,
  findPurged,
  insertDisconnection,
} from '../../src/integration/disconnection/store.ts'
import { moveStatus, readManualSync, saveManualSync } from '../../src/integration/steer-store.ts'
import { isActive, lockIntegration } from '../../src/integration/store.ts'
import { keepPublisher, moveDeliveries } from '../../src/outbox/move-store.ts'
import type { Config } from '../../src/platform/config/config.ts'
import { databaseClock } from '../../src/platform/clock.ts'
import {
  endRuns,
  findReadingRun,
  holdRuns,
  insertSync,
  insertWindowRun,
  isWorkedOn,
  readSlots,
} from '../../src/run/due/asked-store.ts'
import { lockFormerHeads, moveHeads } from '../../src/transcript/former/store.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'

export interface Steered {
  readonly workspaceId: WorkspaceId
  readonly integrationId: IntegrationId
  readonly ticketId: TicketId
  readonly config: Config
}

/** What people ask of an integration, to its end: a purge. */
export async function steerToTheEnd(
  db: Kysely<Database>,
  { workspaceId, integrationId: id, ticketId, config }: Steered,
): Promise<void> {
  await readTicketFacts(db, { workspaceId, integrationId: id }, ticketId)
  await isActive(db, id)
  await isWorkedOn(db, id)
  await db.transaction().execute(async (trx) => {
    await readManualSync(trx, id)
    await saveManualSync(trx, id, await databaseClock(trx))
    await findReadingRun(trx, id)
    await readSlots(trx, id)
    await insertSync(trx, id)
    await insertWindowRun(trx, id, new Date())
    await closeWindow(trx, id, new Date(0))
    await lockFormerHeads(trx, id, [ticketId])
    await findPurged(trx, [id])
    const heads = [{ integrationId: id, ticketId, revision: 1, isLive: true }]
    await keepPublisher(trx, heads)
    await moveHeads(trx, id, heads)
    await moveDeliveries(trx, id, [ticketId])
    await holdRuns(trx, id)
    await endRuns(trx, id, { code: 'disconnected', message: 'disconnected' })
    const integration = await lockIntegration(trx, id)
    if (integration !== undefined) await moveStatus(trx, integration, 'disconnected')
    await insertDisconnection(trx, id, true)
  })
  // Nobody is asked where there is no token.
  await db.deleteFrom('credential').where('integrationId', '=', id).execute()
  await db
    .updateTable('disconnection')
    .set({ dueAt: new Date(0) })
    .execute()
  await using zendesk = new ZendeskClient({ db, config })
  const removeWebhook = (): Promise<void> => Promise.resolve()
  const deps = { db, zendesk, quotaShare: 1, removeWebhook, batch: 500 }
  await disconnectOnce(deps, new AbortController().signal)
  await findDisconnection(db, id)
}
