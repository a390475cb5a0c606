import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { RunId } from '../../ids.ts'
import { type HeldMs, HeldTime, addHeld, roundHeld, sumOf } from '../../platform/held-time.ts'
import { workerLog as log } from '../../platform/log.ts'
import { addWorked } from './pulse-store.ts'

/** What a killed worker has worked since then is not counted. */
const PULSE_MS = 5_000

export interface Pulse {
  readonly db: Kysely<Database>
  readonly runId: RunId
  /** In all, how long the limits of the account have held requests back. */
  readonly limitsHeld: () => HeldMs
  /** Whether the run has become another worker's. */
  readonly isLost: () => boolean
}

/**
 * Keeps the account of the time that a slice of a run takes, while it works: of what it worked, and of
 * what it was held back for by limits and by the database, which `storing` measures.
 */
export async function keepPulse<T>(
  pulse: Pulse,
  work: (storing: HeldTime) => Promise<T>,
): Promise<T> {
  const storing = new HeldTime()
  const readHeld = (now: number): HeldMs => addHeld(pulse.limitsHeld(), storing.read(now))
  let countedTo = performance.now()
  let counted = readHeld(countedTo)
  const beat = async (): Promise<void> => {
    if (pulse.isLost()) return
    const now = performance.now()
    const held = readHeld(now)
    const heldMs = addHeld(held, counted, -1)
    // What waits for the database and for a limit at once is held back only once.
    const runningMs = Math.max(0, now - countedTo - sumOf(heldMs))
    const worked = { runningMs, heldMs: roundHeld(heldMs), at: DateTime.utc() }
    await addWorked(pulse.db, pulse.runId, worked)
    countedTo = now
    counted = held
  }
  let writing = Promise.resolve()
  const next = (): void => {
    // What was not written is part of the next beat. A database that is away meets the work itself.
    const note = (error: unknown) => log.debug({ runId: pulse.runId, err: error }, 'pulse not kept')
    writing = writing.then(beat).catch(note)
  }
  next()
  const timer = setInterval(next, PULSE_MS)
  try {
    return await work(storing)
  } finally {
    clearInterval(timer)
    next()
    await writing
  }
}
