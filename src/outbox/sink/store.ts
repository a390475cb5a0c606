import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { Database, SinkTable } from '../../../db/schema.ts'
import { SinkId, WorkspaceId } from '../../ids.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'
import { openSecrets, sealSecret } from './secret-store.ts'
import { type Sink, type SinkChange, ENVIRONMENT_SINK } from './terms.ts'

export type SinkRow = Selectable<SinkTable>

/** The sinks of a workspace in the order of their ids, after the given one. */
export async function listSinks(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  page: { readonly limit: number; readonly after?: SinkId | undefined },
): Promise<Sink[]> {
  const rows = await ofWorkspace(db, workspaceId)
    .where('sinkId', '>', page.after ?? '')
    .orderBy('sinkId')
    .limit(page.limit)
    .execute()
  return rows.map(toSink)
}

export async function findSink(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  sinkId: SinkId,
): Promise<Sink | undefined> {
  const row = await ofWorkspace(db, workspaceId).where('sinkId', '=', sinkId).executeTakeFirst()
  return row && toSink(row)
}

/** Keeps every other change of these sinks waiting; none comes or goes while the workspace is held. */
export async function lockSinks(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
): Promise<SinkRow[] | 'no workspace'> {
  if (!(await holdWorkspace(trx, workspaceId))) return 'no workspace'
  return ofWorkspace(trx, workspaceId).orderBy('name').forUpdate().execute()
}

/** As above, and together with them the one that takes every workspace. */
export async function lockReceivers(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
): Promise<Pick<SinkRow, 'name' | 'sinkId' | 'state'>[] | 'no workspace'> {
  if (!(await holdWorkspace(trx, workspaceId))) return 'no workspace'
  return trx
    .selectFrom('sink')
    .select(['name', 'sinkId', 'state'])
    .where((where) =>
      where.or([
        where.and([where('workspaceId', '=', workspaceId), where('state', '<>', 'deleted')]),
        where('name', '=', ENVIRONMENT_SINK),
      ]),
    )
    .orderBy('name')
    .forUpdate()
    .execute()
}

async function holdWorkspace(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
): Promise<boolean> {
  const workspace = await trx
    .selectFrom('workspace')
    .select('id')
    .where('id', '=', workspaceId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return workspace !== undefined
}

function ofWorkspace(db: Kysely<Database>, workspaceId: WorkspaceId) {
  return db
    .selectFrom('sink')
    .selectAll()
    .where('workspaceId', '=', workspaceId)
    .where('state', '<>', 'deleted')
}

/** Makes a sink that gets what is published from now on. */
export async function insertSink(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  sink: SinkChange & {
    readonly workspaceId: WorkspaceId
    readonly sinkId: SinkId
    readonly name: string
    readonly url: string
    readonly secret: string
  },
): Promise<Sink> {
  const { name, workspaceId, sinkId, url, secret, types, allRevisions } = sink
  const row = await trx
    .insertInto('sink')
    .values({
      name,
      workspaceId,
      sinkId,
      url,
      ...sealSecret(keys, name, secret),
      ...(types && { types: [...types] }),
      ...(allRevisions !== undefined && { allRevisions }),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await sql`
    insert into sink_position (sink, workspace_id, sequence)
    select ${name}, workspace_id, last_sequence from feed
    where workspace_id = ${workspaceId}`.execute(trx)
  return toSink(row)
}

/** For how long a secret that was replaced still signs, beside the new one. */
const ROTATION = sql<Date>`now() + interval '1 day'`

/** Changes what is named, and makes a sink that does not send any more active again. */
export async function changeSink(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  row: SinkRow,
  { url, secret, types, allRevisions }: SinkChange,
): Promise<Sink> {
  const [newest] = secret === undefined ? [] : openSecrets(keys, row)
  const isRotated = secret !== undefined && newest !== undefined && secret !== newest
  const changed = await trx
    .updateTable('sink')
    .set({
      ...(url !== undefined && { url }),
      ...(types && { types: [...types] }),
      ...(allRevisions !== undefined && { allRevisions }),
      ...(isRotated && {
        ...sealSecret(keys, row.name, secret, newest),
        previousSecretUntil: ROTATION,
      }),
      ...active(row),
      version: sql<number>`version + 1`,
      updatedAt: sql<Date>`now()`,
    })
    .where('name', '=', row.name)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toSink(changed)
}

/** The columns of a sink that sends again, from a clean slate; a silence that was asked for ends too. */
function active({ state }: Pick<SinkRow, 'state'>) {
  const clean = { failingSince: null, failedAt: null, heldUntil: null }
  if (state === 'active') return clean
  return { ...clean, state: 'active', stateReason: null, stateSince: sql<Date>`now()` } as const
}

/** Makes these sinks send again, if they do not. */
export async function activateSinks(
  trx: Transaction<Database>,
  names: readonly string[],
): Promise<void> {
  await trx
    .updateTable('sink')
    .set({ ...active({ state: 'stopped' }), version: sql<number>`version + 1` })
    .where('name', 'in', names)
    .where('state', 'in', ['stopped', 'off'])
    .execute()
}

/** What it still has to get is dropped by the relay; its name is free at once. */
export async function deleteSink(trx: Transaction<Database>, name: string): Promise<void> {
  await trx
    .updateTable('sink')
    .set({ state: 'deleted', stateReason: null, stateSince: sql<Date>`now()` })
    .where('name', '=', name)
    .execute()
}

/**
 * Keeps the row of the sink that the environment names. Another address or secret than at the last
 * start, of which `hash` tells, makes it active again; without one there is no such sink, and what it
 * did not get waits until it is back.
 */
export async function registerEnvironmentSink(
  db: Kysely<Database>,
  hash: string | undefined,
): Promise<void> {
  const name = ENVIRONMENT_SINK
  if (hash === undefined) {
    await db.deleteFrom('sink').where('name', '=', name).execute()
    return
  }
  await db
    .insertInto('sink')
    .values({ name, sinkId: name, url: hash })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({
          url: hash,
          ...active({ state: 'stopped' }),
          version: sql<number>`sink.version + 1`,
        })
        .where('sink.url', '<>', hash),
    )
    .execute()
}

function toSink(row: SinkRow): Sink {
  return {
    name: row.name,
    workspaceId: WorkspaceId.parse(row.workspaceId),
    sinkId: SinkId.parse(row.sinkId),
    url: row.url,
    types: row.types,
    allRevisions: row.allRevisions,
    state: row.state,
    stateReason: row.stateReason,
    stateSince: row.stateSince,
    failingSince: row.failingSince,
    heldUntil: row.heldUntil,
    previousSecretUntil: row.previousSecretUntil,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
