import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, DisconnectionTable, Release } from '../../../db/schema.ts'
import { IntegrationId } from '../../ids.ts'

/** What is left to do for an integration that was disconnected, and of a purge what has been done. */
export interface Disconnection {
  readonly integrationId: IntegrationId
  readonly requestedAt: DateTime
  readonly purge: boolean
  /** Whether Zendesk has taken back the tokens and our webhook. */
  readonly release: Release
  readonly releaseAttempts: number
  readonly clearedAt: DateTime | null
  readonly transcripts: number
  readonly revisions: number
  readonly tickets: number
  readonly hints: number
  readonly hash: string
  readonly retractedAt: DateTime | null
  readonly finishedAt: DateTime | null
}

/** Whoever asks first looks after it at once; should that die, a worker comes after this time. */
const FIRST_LOOK = sql<Date>`now() + interval '30 seconds'`

/** Notes the work. Asked for again it stays as it is, unless a purge is asked for only now. */
export async function insertDisconnection(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  purge: boolean,
): Promise<void> {
  await trx
    .insertInto('disconnection')
    .values({ integrationId, purge, dueAt: FIRST_LOOK })
    .onConflict((conflict) =>
      conflict
        .column('integrationId')
        .doUpdateSet({
          purge: true,
          requestedAt: sql<Date>`now()`,
          clearedAt: null,
          finishedAt: null,
          dueAt: FIRST_LOOK,
        })
        .where('disconnection.purge', '=', false)
        .where(sql<boolean>`excluded.purge`),
    )
    .execute()
}

export async function findDisconnection(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Disconnection | undefined> {
  const row = await db
    .selectFrom('disconnection')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .executeTakeFirst()
  return row && toDisconnection(row)
}

/** Those of them whose disconnect takes back all that they have published. */
export async function findPurged(
  db: Kysely<Database>,
  integrationIds: readonly IntegrationId[],
): Promise<ReadonlySet<IntegrationId>> {
  const rows = await db
    .selectFrom('disconnection')
    .select('integrationId')
    .where('integrationId', 'in', integrationIds)
    .where('purge', '=', true)
    .execute()
  return new Set(rows.map((row) => IntegrationId.parse(row.integrationId)))
}

/** Holds the row until the transaction ends: one worker at a time takes a step. */
export async function lockDisconnection(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
): Promise<Disconnection> {
  const row = await trx
    .selectFrom('disconnection')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return toDisconnection(row)
}

/** A worker that has died with a claim is followed by another one after this time. */
const CLAIM = sql<Date>`now() + interval '1 minute'`

/** Takes the one that waits longest. */
export async function claimDisconnection(db: Kysely<Database>): Promise<Disconnection | undefined> {
  const row = await db
    .updateTable('disconnection')
    .set({ dueAt: CLAIM })
    .where('integrationId', 'in', (query) =>
      query
        .selectFrom('disconnection')
        .select('integrationId')
        .where('finishedAt', 'is', null)
        .where('dueAt', '<=', sql<DateTime>`now()`)
        .orderBy('dueAt')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst()
  return row && toDisconnection(row)
}

/** It is looked after again in so many seconds. */
export async function postponeDisconnection(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  seconds: number,
): Promise<void> {
  await db
    .updateTable('disconnection')
    .set({ dueAt: sql<Date>`now() + ${seconds} * interval '1 second'` })
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .execute()
}

export async function saveRelease(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  release: Release,
): Promise<void> {
  await db
    .updateTable('disconnection')
    .set((eb) => ({ release, releaseAttempts: eb('releaseAttempts', '+', 1) }))
    .where('integrationId', '=', integrationId)
    .where('release', '=', 'pending')
    .execute()
}

/** Writes down a step, in the transaction that does it. */
export async function saveStep(
  trx: Transaction<Database>,
  { integrationId }: Disconnection,
  step: {
    readonly transcripts?: number
    readonly revisions?: number
    readonly tickets?: number
    readonly hints?: number
    readonly hash?: string
    readonly ends?: 'clearedAt' | 'retractedAt' | 'finishedAt'
  },
): Promise<void> {
  const { transcripts = 0, revisions = 0, tickets = 0, hints = 0, hash, ends } = step
  await trx
    .updateTable('disconnection')
    .set((eb) => ({
      transcripts: eb('transcripts', '+', transcripts),
      revisions: eb('revisions', '+', revisions),
      tickets: eb('tickets', '+', tickets),
      hints: eb('hints', '+', hints),
      ...(hash !== undefined && { hash }),
      ...(ends !== undefined && { [ends]: sql<Date>`now()` }),
    }))
    .where('integrationId', '=', integrationId)
    .execute()
}

function toDisconnection({ dueAt: _dueAt, ...row }: Selectable<DisconnectionTable>): Disconnection {
  return { ...row, integrationId: IntegrationId.parse(row.integrationId) }
}
