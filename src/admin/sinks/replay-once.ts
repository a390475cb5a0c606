import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../../db/schema.ts'
import { SinkId, TicketId, type WorkspaceId } from '../../ids.ts'
import { insertReplays } from '../../outbox/delivery/replay-store.ts'
import { activateSinks, lockReceivers } from '../../outbox/sink/store.ts'
import { unacceptable } from '../../platform/http/input.ts'
import { noWorkspace } from './change-sink-once.ts'

const MOST_TICKETS = 1_000
const EXPECTED_AFTER = 'expected the "sequence" of a publication or the "next" of the feed'

/** `after` is a number of the feed, as a number or, as publications write it, as text. */
export const ReplayBody = z.strictObject({
  after: z
    .union(
      [
        z.int(),
        z
          .string()
          .regex(/^\d{1,16}$/)
          .transform(Number),
      ],
      { error: EXPECTED_AFTER },
    )
    .refine((after) => after >= 0 && Number.isSafeInteger(after), { error: EXPECTED_AFTER })
    .default(0),
  ticket_ids: z
    .array(TicketId)
    .min(1, 'expected at least one ticket')
    .max(MOST_TICKETS, `expected at most ${MOST_TICKETS} tickets`)
    .optional(),
  sink_id: SinkId.optional(),
})

/**
 * Notes for each sink of the workspace, or for the one that is named, what it is to be given again of
 * what is in the feed by now. One that is named is made active if it was not; of the others those that
 * do not send any more are left out.
 */
export async function replayOnce(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  body: z.infer<typeof ReplayBody>,
): Promise<{ through: number; sinks: readonly string[] }> {
  const { after, ticket_ids: ticketIds, sink_id: sinkId } = body
  return db.transaction().execute(async (trx) => {
    const receivers = await lockReceivers(trx, workspaceId)
    if (receivers === 'no workspace') throw noWorkspace()
    const chosen = receivers.filter((sink) =>
      sinkId === undefined ? sink.state === 'active' : sink.sinkId === sinkId,
    )
    if (sinkId !== undefined && chosen.length === 0) {
      throw unacceptable(['sink_id: there is no such sink'])
    }
    const names = chosen.map(({ name }) => name)
    if (sinkId !== undefined) await activateSinks(trx, names)
    const { through } = await insertReplays(trx, names, { workspaceId, after, ticketIds })
    return { through, sinks: chosen.map((sink) => sink.sinkId) }
  })
}
