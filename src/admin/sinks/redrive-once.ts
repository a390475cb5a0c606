import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { PublicationId } from '../../ids.ts'
import {
  type PublicationHead,
  findPublication,
  lockDead,
  redriveDeliveries,
} from '../../outbox/delivery/redrive-store.ts'
import { activateSinks } from '../../outbox/sink/store.ts'
import { RequestError } from '../../platform/errors.ts'

/**
 * Makes what no sink took of a publication pending again, and sinks that stopped over it active. A sink
 * that gets only the newest revisions is not brought an older one.
 */
export async function redriveOnce(
  db: Kysely<Database>,
  id: PublicationId,
): Promise<{ publication: PublicationHead; sinks: readonly string[] }> {
  return db.transaction().execute(async (trx) => {
    const known = await findPublication(trx, id)
    if (known === undefined) throw noPublication()
    const dead = await lockDead(trx, known)
    // Read under the locks: a newer revision is seen here, or sees this one pending.
    const publication = (await findPublication(trx, id)) ?? known
    if (dead.length === 0) throw refusal('no sink has given it up')
    if (publication.isErased) throw refusal('its text is erased: a newer revision took it back')
    const open = dead.filter(({ allRevisions }) => allRevisions || !publication.hasNewer)
    if (open.length === 0) throw refusal('a newer revision of the transcript exists')
    const names = open.map(({ name }) => name)
    await activateSinks(trx, names)
    await redriveDeliveries(trx, publication, names)
    return { publication, sinks: open.map(({ sinkId }) => sinkId) }
  })
}

export function noPublication(): RequestError {
  return new RequestError(404, 'not_found', 'there is no such publication')
}

function refusal(why: string): RequestError {
  return new RequestError(409, 'nothing_to_redrive', `there is nothing to deliver again: ${why}`)
}
