import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import { findPurged } from '../../integration/disconnection/store.ts'
import { keepPublisher, moveDeliveries } from '../../outbox/move-store.ts'
import { PurgeUnderWayError } from '../../platform/errors.ts'
import { type FormerHead, lockFormerHeads, moveHeads } from '../../transcript/former/store.ts'
import { type Change, goOnFrom } from './decide.ts'

/**
 * Transcripts that readers know from an earlier connection of the account go on from there: what is
 * published follows the revision that they have, and what is absent is taken back. Each row moves in the
 * transaction that publishes its next revision, so that a reader who pages through what is current finds
 * the transcript there or is told of it by the feed. What was purged is only counted on from.
 */
export async function followOn(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  const ids = changes.filter(mayFollow).map(({ ticket }) => ticket.id)
  const former = await lockFormerHeads(trx, integrationId, ids)
  if (former.length === 0) return changes
  // A second statement, so that it sees what was committed until the locks were ours.
  const purged = await findPurged(trx, [...new Set(former.map((head) => head.integrationId))])
  const isPurged = (head: FormerHead): boolean => purged.has(head.integrationId)
  if (former.some((head) => head.isLive && isPurged(head))) {
    throw new PurgeUnderWayError('an earlier connection of this account is still being purged')
  }
  const moving = former.filter((head) => !isPurged(head))
  if (moving.length > 0) {
    await keepPublisher(trx, moving)
    await moveHeads(trx, integrationId, moving)
    await moveDeliveries(
      trx,
      integrationId,
      moving.map(({ ticketId }) => ticketId),
    )
  }
  const byTicket = new Map(former.map((head) => [head.ticketId, head]))
  return changes.map((change) => {
    const head = byTicket.get(change.ticket.id)
    return head === undefined ? change : goOnFrom(change, head)
  })
}

/** What our own rows have no published transcript of. */
function mayFollow(change: Change): boolean {
  if (change.kind === 'published') return change.revision === 1
  return 'retraction' in change && change.retraction === null
}
