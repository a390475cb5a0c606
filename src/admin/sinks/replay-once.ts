import type { Kysely } from 'kysely'
import type { z } from 'zod'
import type { Database } from '../../../db/schema.ts'
import type { WorkspaceId } from '../../ids.ts'
import { insertReplays } from '../../outbox/delivery/replay-store.ts'
import { activateSinks, lockReceivers } from '../../outbox/sink/store.ts'
import { unacceptable } from '../../platform/http/input.ts'
import { noWorkspace } from './change-sink-once.ts'
import type { ReplayBody } from './replay-body.ts'

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
