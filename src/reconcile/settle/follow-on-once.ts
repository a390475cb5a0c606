import type { Transaction } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../ids.ts'
import { readEarlierRevisions } from '../../transcript/retract-store.ts'
import type { Change } from './decide.ts'

/** A transcript that readers know from an earlier connection of the account goes on counting. */
export async function followOn(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  const isFirst = (change: Change) => change.kind === 'published' && change.revision === 1
  const ids = changes.filter(isFirst).map(({ ticket }) => ticket.id)
  const earlier = await readEarlierRevisions(trx, integrationId, ids)
  if (earlier.size === 0) return changes
  return changes.map((change) =>
    change.kind === 'published' && change.revision === 1
      ? { ...change, revision: 1 + (earlier.get(change.ticket.id) ?? 0) }
      : change,
  )
}
