import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { isActive } from '../../integration/store.ts'
import { dueTurns, hasHintsRun } from '../due/due-store.ts'
import type { Run } from '../store.ts'

/**
 * How long one integration keeps a worker that others wait for, and how long at most: a new slice asks
 * again for the page that it goes on with. Well under the expiry of the job, so that a slice always
 * ends by itself.
 */
const SLICE_MS = 120_000
const LONGEST_SLICE_MS = 600_000

/** How often a slice looks whether it is still wanted, and whether others wait for it to end. */
const LOOK_INTERVAL_MS = 5_000
const ACTIVE_INTERVAL_MS = 1_000

/**
 * The time that a run has. It ends early where a run of hints waits for its turn: what takes words
 * back does not wait for an import. It is broken off where a person has paused the integration, or
 * disconnected it: then nothing more is asked of Zendesk.
 */
export function startSlice(
  db: Kysely<Database>,
  { kind, integrationId }: Run,
  unwanted: AbortController,
) {
  const startedAt = performance.now()
  const age = (): number => performance.now() - startedAt
  let isAwaited = false
  const look = async (): Promise<void> => {
    const hasHints = kind !== 'hints' && (await hasHintsRun(db, integrationId))
    isAwaited ||= hasHints || (age() > SLICE_MS && (await dueTurns(db, 1)).length > 0)
  }
  const watch = async (): Promise<void> => {
    if (!(await isActive(db, integrationId))) unwanted.abort(new Error('no longer active'))
  }
  // A database that is away meets the pass itself.
  const timers = [
    setInterval(() => void look().catch(() => {}), LOOK_INTERVAL_MS),
    setInterval(() => void watch().catch(() => {}), ACTIVE_INTERVAL_MS),
  ]
  return {
    isOver: () => isAwaited || age() > LONGEST_SLICE_MS,
    [Symbol.dispose]: () => timers.forEach(clearInterval),
  }
}
