import type { Kysely } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { insertDueSlots } from '../run/due/slot-store.ts'
import { everySchedule, latestSlotAt } from '../workspace/calendar.ts'

/**
 * Turns the slots that are due at an instant into runs. In come the calendar and the rows of
 * workspaces, integrations and runs; out go runs of kind `sync`, each of which names its slot.
 *
 * Guaranteed: a slot becomes one run whatever the number of passes, at once or later; of slots that
 * nobody was there for the newest one is made up for; an integration that is paused or errored gets
 * none, and that newest one when it is active again. Not guaranteed: when the run starts.
 *
 * A pass that dies has done nothing, and what wakes it is of no matter: it only looks at rows.
 */
export async function scheduleOnce(
  db: Kysely<Database>,
  { timeUtc, now }: { readonly timeUtc: string; readonly now: DateTime },
): Promise<{ readonly runs: number }> {
  const latest = everySchedule().map((schedule) => ({
    ...schedule,
    slot: latestSlotAt(schedule, timeUtc, now),
  }))
  return { runs: await insertDueSlots(db, latest, now) }
}
