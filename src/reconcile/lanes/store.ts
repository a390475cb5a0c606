import type { Kysely, Transaction } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'

/** The part of a window that is read backwards: all from `doneFrom` to `endsAt` is settled. */
export interface BackLane {
  readonly endsAt: DateTime
  readonly doneFrom: DateTime
}

export async function findBackLane(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<BackLane | undefined> {
  return db
    .selectFrom('backLane')
    .select(['endsAt', 'doneFrom'])
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
}

export async function openBackLane(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  endsAt: Date,
): Promise<void> {
  await trx.insertInto('backLane').values({ integrationId, endsAt, doneFrom: endsAt }).execute()
}

export async function moveBackLane(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  doneFrom: Date,
): Promise<void> {
  await trx
    .updateTable('backLane')
    .set({ doneFrom })
    .where('integrationId', '=', integrationId)
    .execute()
}

export async function closeBackLane(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  await trx.deleteFrom('backLane').where('integrationId', '=', integrationId).execute()
}
