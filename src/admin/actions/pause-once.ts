import type { IntegrationId } from '../../ids.ts'
import { moveStatus } from '../../integration/steer-store.ts'
import { lockIntegration } from '../../integration/store.ts'
import { wakeRuns } from '../../platform/boss.ts'
import { holdRuns } from '../../run/due/asked-store.ts'
import { catchUp } from '../../run/due/catch-up-once.ts'
import { dueTurnOf } from '../../run/due/due-store.ts'
import type { ActionDeps } from './run-now-once.ts'
import { existing, notActive } from './steered.ts'

/**
 * Lets an integration stand still: no slot concerns it, and nothing is asked of Zendesk. A run under
 * way can store nothing from this commit on, its worker finds out within a second or two, and it goes
 * on where it is after the resume.
 */
export function pauseOnce({ db }: ActionDeps, integrationId: IntegrationId): Promise<void> {
  return db.transaction().execute(async (trx) => {
    const integration = existing(await lockIntegration(trx, integrationId))
    if (integration.status === 'paused') return
    if (integration.status !== 'active') throw notActive(integration.status)
    await moveStatus(trx, integration, 'paused')
    await holdRuns(trx, integrationId)
  })
}

/** Ends a pause. What was missed meanwhile is made up for by one sync, or by the run that stood still. */
export function resumeOnce(
  { db, boss, timeUtc }: ActionDeps & { readonly timeUtc: string },
  integrationId: IntegrationId,
): Promise<void> {
  return db.transaction().execute(async (trx) => {
    const integration = existing(await lockIntegration(trx, integrationId))
    if (integration.status === 'active') return
    if (integration.status !== 'paused') throw notActive(integration.status)
    await moveStatus(trx, integration, 'resumed')
    await catchUp(trx, integration, timeUtc)
    await wakeRuns(boss, trx, await dueTurnOf(trx, integrationId))
  })
}
