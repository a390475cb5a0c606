import type { DateTime } from 'luxon'
import { announce } from '../../credential/webhook/secret-store.ts'
import type { IntegrationId } from '../../ids.ts'
import {
  findDisconnection,
  insertDisconnection,
  postponeDisconnection,
} from '../../integration/disconnection/store.ts'
import { moveStatus } from '../../integration/steer-store.ts'
import { lockIntegration } from '../../integration/store.ts'
import { pause } from '../../platform/lifecycle.ts'
import { webLog as log } from '../../platform/log.ts'
import type { Config } from '../../platform/config/config.ts'
import { endRuns, isWorkedOn } from '../../run/due/asked-store.ts'
import type { ActionDeps } from './run-now-once.ts'
import { existing } from './steered.ts'

export interface DisconnectDeps extends ActionDeps {
  readonly config: Config
  /** Has Zendesk take back what it gave us, once, as well as that can be done. */
  readonly release: (id: IntegrationId, signal: AbortSignal) => Promise<void>
}

/** Someone waits, and platforms cut a request off after 30 s. */
const RELEASE_MS = 10_000
const WORKER_MS = 10_000

/**
 * Ends a connection. One transaction says so and ends its runs: from there on nothing that was read is
 * stored, and a worker that is at it breaks off, for which the answer waits. Then Zendesk is asked to
 * take the token back. Whatever of that fails, or dies here, stands in a row that workers go on with,
 * as they do with all the rest.
 */
export async function disconnectOnce(
  { db, release }: DisconnectDeps,
  integrationId: IntegrationId,
  { purge }: { readonly purge: boolean },
): Promise<'nothing' | 'something'> {
  const isNew = await db.transaction().execute(async (trx) => {
    const integration = existing(await lockIntegration(trx, integrationId))
    const hasMoved = await moveStatus(trx, integration, 'disconnected')
    const error = { code: 'disconnected', message: 'the integration was disconnected' }
    await endRuns(trx, integrationId, error)
    await insertDisconnection(trx, integrationId, purge)
    // Deliveries of its webhook are refused from here on.
    await announce(trx, integrationId)
    return hasMoved
  })
  if (isNew) {
    await untilIdle(db, integrationId)
    await release(integrationId, AbortSignal.timeout(RELEASE_MS)).catch((error: unknown) => {
      log.warn({ integrationId, err: error }, 'token not revoked, will be tried again')
    })
  }
  await postponeDisconnection(db, integrationId, 0)
  const finishedAt: DateTime | null | undefined = (await findDisconnection(db, integrationId))
    ?.finishedAt
  return finishedAt === null ? 'something' : 'nothing'
}

/** A worker that cannot be heard of in time has lost its lock, or will find the token revoked. */
async function untilIdle(db: ActionDeps['db'], integrationId: IntegrationId): Promise<void> {
  const patience = AbortSignal.timeout(WORKER_MS)
  while (!patience.aborted && (await isWorkedOn(db, integrationId))) await pause(100, patience)
}
