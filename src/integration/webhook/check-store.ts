import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, IntegrationStatus, WebhookProblem } from '../../../db/schema.ts'
import { IntegrationId, Subdomain } from '../../ids.ts'

/** A webhook that is ours to keep and whose look is due, claimed until `claimedUntil`. */
export interface WebhookCheck {
  readonly integrationId: IntegrationId
  readonly subdomain: Subdomain
  readonly userId: number | null
  readonly status: IntegrationStatus
  /** The workspace's own; null: that of all. */
  readonly quotaShare: number | null
  readonly claimedUntil: DateTime
  /** Looks in a row that found it unwell. */
  readonly attempts: number
  /** Null: no look has come to its end since the consent. */
  readonly checkedAt: DateTime | null
}

/**
 * Longer than a look may take, so that nobody else looks meanwhile; and what a killed worker leaves
 * behind is taken up after it. In whole milliseconds, which a `Date` holds.
 */
export const CLAIM_MS = 180_000

/** From now on the webhook of this integration is ours to make and to keep; it is looked after at once. */
export async function requestWebhookCheck(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  const due = { dueAt: sql<Date>`now()`, attempts: 0, checkedAt: null, problem: null }
  await trx
    .insertInto('webhookCheck')
    .values({ integrationId, ...due })
    .onConflict((conflict) => conflict.column('integrationId').doUpdateSet(due))
    .execute()
}

/** It is not ours to keep any more. */
export async function dropWebhookCheck(
  trx: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<boolean> {
  const dropped = await trx
    .deleteFrom('webhookCheck')
    .where('integrationId', '=', integrationId)
    .returning('integrationId')
    .executeTakeFirst()
  return dropped !== undefined
}

/** Claims looks that are due, longest overdue first. */
export async function claimWebhookChecks(
  db: Kysely<Database>,
  limit: number,
): Promise<WebhookCheck[]> {
  const rows = await db
    .updateTable('webhookCheck')
    .from('integration')
    .innerJoin('workspace', 'workspace.id', 'integration.workspaceId')
    .whereRef('integration.id', '=', 'webhookCheck.integrationId')
    .set({
      dueAt: sql<Date>`date_trunc('milliseconds', now())
        + ${CLAIM_MS} * interval '1 millisecond'`,
    })
    .where('webhookCheck.integrationId', 'in', (query) =>
      query
        .selectFrom('webhookCheck')
        .select('integrationId')
        .where('dueAt', '<=', sql<DateTime>`now()`)
        .orderBy('dueAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning([
      'integration.id as integrationId',
      'integration.subdomain',
      'integration.zendeskUserId as userId',
      'integration.status',
      'workspace.quotaShare',
      'webhookCheck.dueAt as claimedUntil',
      'webhookCheck.attempts',
      'webhookCheck.checkedAt',
    ])
    .execute()
  return rows.map(({ integrationId, subdomain, ...row }) => ({
    ...row,
    integrationId: IntegrationId.parse(integrationId),
    subdomain: Subdomain.parse(subdomain),
  }))
}

/** What a look has led to. */
export interface Checked {
  readonly dueAt: Date
  readonly attempts: number
  /** Left out: it says nothing of that. */
  readonly problem?: WebhookProblem | null
  readonly isComplete: boolean
}

/** Changes nothing if the claim has lapsed, or a new consent asks for a look of its own. */
export async function settleWebhookCheck(
  db: Kysely<Database>,
  { integrationId, claimedUntil }: WebhookCheck,
  { dueAt, attempts, problem, isComplete }: Checked,
): Promise<void> {
  await db
    .updateTable('webhookCheck')
    .set({
      dueAt,
      attempts,
      ...(problem !== undefined && { problem }),
      ...(isComplete && { checkedAt: sql<Date>`now()` }),
    })
    .where('integrationId', '=', integrationId)
    .where('dueAt', '=', sql<DateTime>`${claimedUntil.toJSDate()}::timestamptz`)
    .execute()
}
