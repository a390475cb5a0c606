import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { SinkId, type WorkspaceId } from '../../src/ids.ts'
import { type DueSink, toDueSink } from '../../src/outbox/sink/due-store.ts'
import { makeSinkName } from '../../src/outbox/sink/secret-store.ts'
import type { EncryptionKey } from '../../src/platform/config/secrets.ts'
import type { Receiver, SinkChange } from '../../src/outbox/sink/terms.ts'
import { insertSink, registerEnvironmentSink } from '../../src/outbox/sink/store.ts'
import { HttpSink } from '../../src/publish/push/http-sink.ts'
import { type RelayCounts, type RelayDeps, relayOnce } from '../../src/publish/push/relay-once.ts'
import { SECRET } from './receiver.ts'

export const KEYS = [{ id: 'test', key: Buffer.alloc(32, 1) }]

/** The sink as the relay finds it. */
export async function readSink(db: Kysely<Database>, name: string): Promise<DueSink> {
  const row = await db
    .selectFrom('sink')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return toDueSink(row)
}

/** The sink that the environment names; it takes every workspace. */
export async function environmentSink(db: Kysely<Database>): Promise<DueSink> {
  await registerEnvironmentSink(db, 'sha256:0')
  return readSink(db, 'http')
}

/** A sink of a workspace; answers the name under which it is kept. */
export async function aSink(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  made: SinkChange & { readonly id?: string; readonly keys?: readonly EncryptionKey[] } = {},
): Promise<string> {
  const { id = 'one', url = 'http://127.0.0.1:1/', secret = SECRET, keys = KEYS, ...rest } = made
  const name = makeSinkName()
  const sinkId = SinkId.parse(id)
  await db
    .transaction()
    .execute((trx) => insertSink(trx, keys, { workspaceId, sinkId, name, url, secret, ...rest }))
  return name
}

/** One pass over a sink as it is in its row, to this address. */
export async function passOver(
  db: Kysely<Database>,
  it: { name?: string; url: string; http: HttpSink; secrets?: readonly string[] } & Partial<
    Pick<RelayDeps, 'lanes' | 'delaysMs'>
  >,
  signal: AbortSignal = new AbortController().signal,
): Promise<RelayCounts> {
  const { name = 'http', url, http, secrets = [SECRET], ...rest } = it
  const sink = await readSink(db, name)
  const receiver: Receiver = { url, secrets }
  return relayOnce({ db, http, sink, receiver, ...rest }, signal)
}

export function localHttp(t: { teardown: (end: () => Promise<void>) => void }): HttpSink {
  // A busy machine must not look like a receiver that does not answer.
  const http = new HttpSink({ allowPrivateAddresses: true, timeoutMs: 120_000 })
  t.teardown(() => http[Symbol.asyncDispose]())
  return http
}
