import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { RunId } from '../../ids.ts'
import type { HeldMs } from '../../platform/held-time.ts'
import { findRun } from '../store.ts'
import { addSample, reachOf } from './pace.ts'
import { addShortWaits } from './waits.ts'

export interface Worked {
  readonly runningMs: number
  readonly heldMs: HeldMs
  readonly at: DateTime
}

/**
 * Adds what a slice has worked and waited since the last time, and notes how far the run is. Only the
 * worker that holds the lease does this, one pulse after the other.
 */
export async function addWorked(db: Kysely<Database>, id: RunId, worked: Worked): Promise<void> {
  const run = await findRun(db, id)
  if (run === undefined) return
  const waits = addShortWaits(run.waits, worked.heldMs)
  const pace = addSample(run.pace, {
    at: worked.at.toMillis(),
    reached: reachOf(run),
    heldMs: waits.heldMs,
  })
  await db
    .updateTable('run')
    .set({
      runningMs: sql<number>`running_ms + ${Math.round(worked.runningMs)}::bigint`,
      waits: JSON.stringify(waits),
      pace: JSON.stringify(pace),
    })
    .where('id', '=', id)
    .execute()
}
