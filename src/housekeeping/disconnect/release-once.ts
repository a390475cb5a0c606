import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { destroyCredential, hasCredential } from '../../credential/store.ts'
import { destroyWebhookSecret } from '../../credential/webhook/secret-store.ts'
import type { IntegrationId } from '../../ids.ts'
import { lockDisconnection, saveRelease } from '../../integration/disconnection/store.ts'
import { findIntegration } from '../../integration/store.ts'
import { ZendeskRefusedError } from '../../platform/errors.ts'
import { housekeepingLog as log } from '../../platform/log.ts'
import { findWorkspace } from '../../workspace/store.ts'
import type { ZendeskClient } from '../../zendesk/client.ts'
import type { ZendeskAccount } from '../../zendesk/types.ts'
import { MOST_RELEASES } from './due.ts'

export interface ReleaseDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly quotaShare: number
  /** Takes our webhook away, which needs the token. */
  readonly removeWebhook: (account: ZendeskAccount, signal: AbortSignal) => Promise<unknown>
}

/** An account that does not answer must not hold up the others for long. */
const PATIENCE_MS = 8_000

/**
 * Has Zendesk take back what it gave to an integration that was disconnected: our webhook, then the
 * token. Then the vault forgets both. What fails is tried again a few times; after the last one the
 * vault forgets them all the same, and the row says that Zendesk was not told.
 */
export async function releaseOnce(
  deps: ReleaseDeps,
  integrationId: IntegrationId,
  signal: AbortSignal,
): Promise<void> {
  const account = await accountOf(deps, integrationId)
  try {
    if (account !== undefined) {
      await letGo(deps, account, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]))
    }
  } catch (error) {
    if (signal.aborted) throw error
    await settleFailure(deps, integrationId, error)
    return
  }
  await forget(deps, integrationId, 'done')
}

/** Undefined: there is no token to talk to Zendesk with. */
async function accountOf(
  { db, quotaShare }: ReleaseDeps,
  integrationId: IntegrationId,
): Promise<ZendeskAccount | undefined> {
  const integration = await findIntegration(db, integrationId)
  if (integration === undefined || !(await hasCredential(db, integrationId))) return undefined
  const workspace = await findWorkspace(db, integration.workspaceId)
  return {
    integrationId,
    subdomain: integration.subdomain,
    quotaShare: workspace?.quotaShare ?? quotaShare,
    userId: integration.zendeskUserId,
  }
}

/** What Zendesk refuses to a token that it does not accept any more needs no repetition. */
async function letGo(
  { zendesk, removeWebhook }: ReleaseDeps,
  account: ZendeskAccount,
  signal: AbortSignal,
): Promise<void> {
  const { integrationId } = account
  try {
    // A webhook that cannot be removed is no reason to keep the token alive.
    const removed = await removeWebhook(account, signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    await zendesk.revoke(account, signal)
    if (removed !== undefined) {
      log.warn({ integrationId, err: removed.error }, 'webhook not removed at zendesk')
    }
  } catch (error) {
    if (!(error instanceof ZendeskRefusedError)) throw error
    log.warn({ integrationId, err: error }, 'token is refused by zendesk, nothing to revoke')
  } finally {
    await zendesk.storeRequestCounts(integrationId)
  }
}

async function settleFailure(
  deps: ReleaseDeps,
  integrationId: IntegrationId,
  error: unknown,
): Promise<void> {
  const { releaseAttempts } = await deps.db
    .transaction()
    .execute((trx) => lockDisconnection(trx, integrationId))
  const fields = { integrationId, attempts: releaseAttempts + 1, err: error }
  if (releaseAttempts + 1 < MOST_RELEASES) {
    log.warn(fields, 'token not revoked, will be tried again')
    await saveRelease(deps.db, integrationId, 'pending')
    return
  }
  log.error(fields, 'token not revoked, an administrator of the account has to remove it')
  await forget(deps, integrationId, 'given_up')
}

async function forget(
  { db }: ReleaseDeps,
  integrationId: IntegrationId,
  release: 'done' | 'given_up',
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await destroyCredential(trx, integrationId)
    await destroyWebhookSecret(trx, integrationId)
    await saveRelease(trx, integrationId, release)
  })
}
