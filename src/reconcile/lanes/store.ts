import type { Kysely, Transaction } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId, RunId } from '../../ids.ts'
import { reach, saveAhead } from '../../run/progress/ahead-store.ts'

/** The part of a window that is read backwards: all from `doneFrom` to `endsAt` is settled. */
export interface BackLane {
  readonly endsAt: DateTime
  readonly doneFrom: DateTime
}

/** Whose lane it is, and which run moves it. */
interface LaneOf {
  readonly integration: { readonly id: IntegrationId }
  readonly run: { readonly id: RunId }
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

/** The run has come so much further, though not in the order of the export. */
export async function moveBackLane(
  trx: Transaction<Database>,
  { integration, run }: LaneOf,
  doneFrom: Date,
): Promise<void> {
  const { endsAt } = await trx
    .updateTable('backLane')
    .set({ doneFrom })
    .where('integrationId', '=', integration.id)
    .returning('endsAt')
    .executeTakeFirstOrThrow()
  await saveAhead(trx, run.id, endsAt.toMillis() - doneFrom.getTime())
}

/** All of the window is behind the run, up to this instant at least. */
export async function closeBackLane(
  trx: Transaction<Database>,
  { integration, run }: LaneOf,
  reached: Date | null,
): Promise<void> {
  await trx.deleteFrom('backLane').where('integrationId', '=', integration.id).execute()
  await reach(trx, run.id, reached)
}
