import type { Kysely, Transaction } from 'kysely'
import type { DateTime } from 'luxon'
import type { PgBoss } from 'pg-boss'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId, RunId } from '../../ids.ts'
import { readManualSync, saveManualSync } from '../../integration/steer-store.ts'
import { lockIntegration } from '../../integration/store.ts'
import { wakeRuns } from '../../platform/boss.ts'
import { databaseClock } from '../../platform/clock.ts'
import { RequestError } from '../../platform/errors.ts'
import { findReadingRun, insertSync, insertWindowRun } from '../../run/due/asked-store.ts'
import { dueTurnOf } from '../../run/due/due-store.ts'
import { alreadyRunning, assertActive, existing } from './steered.ts'

export interface ActionDeps {
  readonly db: Kysely<Database>
  readonly boss: PgBoss
}

/**
 * A sync out of its turn, from where the export was read last. Whoever asks too soon after the last
 * time is told when to come back; a sync that was refused does not count as one.
 */
export function syncNowOnce(
  deps: ActionDeps,
  integrationId: IntegrationId,
  { cooldownSeconds }: { readonly cooldownSeconds: number },
): Promise<RunId> {
  return runNow(deps, integrationId, async (trx, now) => {
    await assertCool(trx, integrationId, { cooldownSeconds, now })
    await assertIdle(trx, integrationId)
    await saveManualSync(trx, integrationId, now)
    return insertSync(trx, integrationId)
  })
}

/** An import of the last days once more: each ticket is read again, and published where it differs. */
export function backfillNowOnce(
  deps: ActionDeps,
  integrationId: IntegrationId,
  { days }: { readonly days: number },
): Promise<RunId> {
  return runNow(deps, integrationId, async (trx, now) => {
    await assertIdle(trx, integrationId)
    return insertWindowRun(trx, integrationId, now.minus({ days }).toJSDate())
  })
}

/** The run and the job that wakes it, or nothing: two who ask at once wait for each other here. */
async function runNow(
  { db, boss }: ActionDeps,
  integrationId: IntegrationId,
  insert: (trx: Transaction<Database>, now: DateTime) => Promise<RunId>,
): Promise<RunId> {
  return db.transaction().execute(async (trx) => {
    assertActive(existing(await lockIntegration(trx, integrationId)))
    const runId = await insert(trx, await databaseClock(trx))
    await wakeRuns(boss, trx, await dueTurnOf(trx, integrationId))
    return runId
  })
}

async function assertIdle(trx: Transaction<Database>, integrationId: IntegrationId): Promise<void> {
  const runId = await findReadingRun(trx, integrationId)
  if (runId !== undefined) throw alreadyRunning(runId)
}

async function assertCool(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  { cooldownSeconds, now }: { readonly cooldownSeconds: number; readonly now: DateTime },
): Promise<void> {
  const last = await readManualSync(trx, integrationId)
  const passed = last === null ? Infinity : now.diff(last).as('seconds')
  const retryAfterSeconds = Math.ceil(cooldownSeconds - passed)
  if (retryAfterSeconds <= 0) return
  throw new RequestError(
    429,
    'too_soon',
    `a sync was asked for less than ${cooldownSeconds} seconds ago: come back in ${retryAfterSeconds} seconds`,
    { retryAfterSeconds },
  )
}
