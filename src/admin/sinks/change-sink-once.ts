import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { SinkId, WorkspaceId } from '../../ids.ts'
import { makeSecret, makeSinkName } from '../../outbox/sink/secret-store.ts'
import type { Sink, SinkChange } from '../../outbox/sink/terms.ts'
import { changeSink, deleteSink, insertSink, lockSinks } from '../../outbox/sink/store.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { RequestError } from '../../platform/errors.ts'
import { unacceptable } from '../../platform/http/input.ts'

/** Each publication is sent as often as there are sinks. */
const MOST_SINKS = 20

export interface ChangeSinkDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
}

export interface SinkPlace {
  readonly workspaceId: WorkspaceId
  readonly sinkId: SinkId
}

/** Makes the sink if there is none, and changes what the change names; `madeSecret` is shown this once. */
export async function changeSinkOnce(
  { db, keys }: ChangeSinkDeps,
  { workspaceId, sinkId }: SinkPlace,
  change: SinkChange,
): Promise<{ sink: Sink; isNew: boolean; madeSecret?: string }> {
  return db.transaction().execute(async (trx) => {
    const rows = await lockSinks(trx, workspaceId)
    if (rows === 'no workspace') throw noWorkspace()
    const row = rows.find((known) => known.sinkId === sinkId)
    if (row !== undefined) return { sink: await changeSink(trx, keys, row, change), isNew: false }
    const { url } = change
    if (url === undefined) throw unacceptable(['url: expected the address of the new sink'])
    if (rows.length >= MOST_SINKS) {
      const message = `a workspace has at most ${MOST_SINKS} sinks: delete one first`
      throw new RequestError(409, 'too_many_sinks', message)
    }
    const secret = change.secret ?? makeSecret()
    const name = makeSinkName()
    const made = { ...change, workspaceId, sinkId, name, url, secret }
    const sink = await insertSink(trx, keys, made)
    return { sink, isNew: true, ...(change.secret === undefined && { madeSecret: secret }) }
  })
}

export async function deleteSinkOnce(
  db: Kysely<Database>,
  { workspaceId, sinkId }: SinkPlace,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const rows = await lockSinks(trx, workspaceId)
    if (rows === 'no workspace') throw noWorkspace()
    const row = rows.find((known) => known.sinkId === sinkId)
    if (row === undefined) throw noSink()
    await deleteSink(trx, row.name)
  })
}

export function noSink(): RequestError {
  return new RequestError(404, 'not_found', 'there is no such sink')
}

export function noWorkspace(): RequestError {
  return new RequestError(404, 'not_found', 'there is no such workspace')
}
