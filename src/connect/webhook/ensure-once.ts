import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import {
  destroyWebhookSecret,
  readWebhookId,
  readWebhookSecret,
  saveWebhookSecret,
} from '../../credential/webhook/secret-store.ts'
import type { IntegrationId } from '../../ids.ts'
import { lockIntegration } from '../../integration/store.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { connectLog as log } from '../../platform/log.ts'
import type { ZendeskClient } from '../../zendesk/client.ts'
import type { ZendeskAccount } from '../../zendesk/types.ts'
import type { WebhookSettings } from '../../zendesk/webhooks/webhook.ts'
import { healthOf } from './health.ts'
import { planFor, testPayload, wantedWebhook } from './wanted.ts'

export interface EnsureDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly keys: readonly EncryptionKey[]
  readonly publicUrl: string
}

/** Whose webhook is looked after. */
export interface Subject {
  readonly account: ZendeskAccount
  /** Nobody has tried it yet. */
  readonly isNew: boolean
  readonly signal: AbortSignal
}

/**
 * `not ours`: a person has made one and told its secret, or the integration was disconnected.
 * `overtaken`: another worker has made one at the same time.
 */
export type Ensured = 'well' | 'failing' | 'circuit_broken' | 'not ours' | 'overtaken'

/**
 * Makes the webhook of one integration stand at Zendesk as it should, with its signing secret in our
 * vault: makes it, or puts right what was changed, and has Zendesk try it. In comes what stands there,
 * so it does not matter how often this is done, nor where it was cut short before: a webhook that was
 * made and never written down is found by its name and taken over, one too many is deleted.
 */
export async function ensureOnce(deps: EnsureDeps, subject: Subject): Promise<Ensured> {
  const { account, signal } = subject
  const { integrationId } = account
  const knownId = await readWebhookId(deps.db, integrationId)
  if (knownId === null) return 'not ours'
  const wanted = wantedWebhook(deps.publicUrl, integrationId)
  const { keep, isRepairDue, extraIds } = await readPlan(deps, subject, { wanted, knownId })
  if (keep === null && knownId !== undefined) await forget(deps, integrationId, knownId)
  const id = keep?.id ?? (await deps.zendesk.webhooks.make(account, wanted, { signal }))
  if (isRepairDue) {
    await deps.zendesk.webhooks.change(account, id, { settings: wanted, signal })
    log.warn({ integrationId }, 'webhook put right')
  }
  const kept = id === knownId ? 'kept' : await keepSecret(deps, subject, { id, knownId })
  for (const extraId of extraIds) await deps.zendesk.webhooks.remove(account, extraId, { signal })
  if (kept !== 'kept') {
    await deps.zendesk.webhooks.remove(account, id, { signal })
    return kept
  }
  return tryOut(deps, subject, { id, isNew: subject.isNew || id !== knownId })
}

async function readPlan(
  { zendesk }: EnsureDeps,
  { account, signal }: Subject,
  { wanted, knownId }: { wanted: WebhookSettings; knownId: string | undefined },
) {
  const listed = await zendesk.webhooks.list(account, account.integrationId, { signal })
  const found = listed.find(({ id }) => id === knownId)
  // Somebody may have given it another name.
  const own =
    found ??
    (knownId === undefined ? null : await zendesk.webhooks.show(account, knownId, { signal }))
  return planFor(wanted, { own, listed })
}

/** It is gone at Zendesk, and nothing more comes that was signed with its secret. */
async function forget(
  { db }: EnsureDeps,
  integrationId: IntegrationId,
  knownId: string,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockIntegration(trx, integrationId)
    if ((await readWebhookId(trx, integrationId)) !== knownId) return
    await destroyWebhookSecret(trx, integrationId)
  })
  log.warn({ integrationId }, 'webhook is gone at zendesk, making another one')
}

/**
 * Stores the secret, unless somebody was faster: a person with a secret of their own, a disconnect, or
 * another worker with another webhook. The webhook is superfluous then.
 */
async function keepSecret(
  { db, zendesk, keys }: EnsureDeps,
  { account, signal }: Subject,
  { id, knownId }: { id: string; knownId: string | undefined },
): Promise<'kept' | 'not ours' | 'overtaken'> {
  const { integrationId } = account
  const secret = await zendesk.webhooks.readSecret(account, id, { signal })
  return db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, integrationId)
    const standingId = await readWebhookId(trx, integrationId)
    if (integration?.status === 'disconnected' || standingId === null) return 'not ours'
    const isFree = standingId === undefined || standingId === knownId || standingId === id
    if (!isFree) return 'overtaken'
    await saveWebhookSecret(trx, keys, integrationId, { secret, zendeskWebhookId: id })
    return 'kept'
  })
}

/** A webhook that delivers badly may only have another secret than the one that we know. */
async function tryOut(
  deps: EnsureDeps,
  subject: Subject,
  { id, isNew }: { id: string; isNew: boolean },
): Promise<Ensured> {
  const { account, signal } = subject
  if (isNew) return (await test(deps, subject, id)) ? 'well' : 'failing'
  const invocations = await deps.zendesk.webhooks.listInvocations(account, id, { signal })
  const health = healthOf(invocations, Date.now())
  if (health !== 'failing') return health
  await renewSecret(deps, subject, id)
  return (await test(deps, subject, id)) ? 'well' : 'failing'
}

async function renewSecret(
  { db, zendesk, keys }: EnsureDeps,
  { account, signal }: Subject,
  id: string,
): Promise<void> {
  const { integrationId } = account
  const secret = await zendesk.webhooks.readSecret(account, id, { signal })
  await db.transaction().execute(async (trx) => {
    await lockIntegration(trx, integrationId)
    const known = await readWebhookSecret(trx, keys, integrationId)
    if (known?.zendeskWebhookId !== id || known.secret === secret) return
    await saveWebhookSecret(trx, keys, integrationId, { secret, zendeskWebhookId: id })
    log.warn({ integrationId }, 'the signing secret of the webhook was another one')
  })
}

function test({ zendesk }: EnsureDeps, { account, signal }: Subject, id: string) {
  const payload = testPayload(randomUUID(), new Date().toISOString())
  return zendesk.webhooks.test(account, id, { payload, signal })
}
