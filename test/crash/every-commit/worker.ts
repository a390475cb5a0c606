import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { connect } from '../../../db/connect.ts'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../../src/ids.ts'
import type { Config } from '../../../src/platform/config/config.ts'
import { HttpSink } from '../../../src/publish/push/http-sink.ts'
import { Leases } from '../../../src/run/lease-store.ts'
import { ZendeskClient } from '../../../src/zendesk/client.ts'
import { aReceiver, answer } from '../../support/receiver.ts'

/** What of a worker a pass needs: all its connections go to the same address. */
export interface Worker extends AsyncDisposable {
  readonly db: Kysely<Database>
  readonly url: string
  readonly leases: Leases
  readonly zendesk: ZendeskClient
  readonly config: Config
  readonly integrationId: IntegrationId
  readonly http: HttpSink
  readonly sinkUrl: string
  readonly file: string
  readonly signal: AbortSignal
}

/** What is outside of the database and outlives a worker: a receiver of publications, and a file. */
export interface Outside extends AsyncDisposable {
  readonly sinkUrl: string
  readonly file: string
  /** What came, in the order in which it did: of the receiver, and of the lines of the file. */
  readonly received: () => Promise<Record<'http' | 'file', readonly Told[]>>
}

export interface Told {
  readonly ticket: string
  readonly revision: number
}

export async function anOutside(t: ExecutionContext): Promise<Outside> {
  const { url: sinkUrl, received } = await aReceiver(t, answer(200))
  const folder = await mkdtemp(join(tmpdir(), 'hearflow-crash-'))
  const file = join(folder, 'feed.jsonl')
  return {
    sinkUrl,
    file,
    received: async () => ({
      http: received.map((one) => ({ ticket: one.transcriptId, revision: one.revision })),
      file: (await linesOf(file)).map((line) => toTold(line)),
    }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}

function toTold(line: string): Told {
  const { transcript } = JSON.parse(line) as { transcript: { id: string; revision: number } }
  return { ticket: transcript.id, revision: transcript.revision }
}

export function startWorker(
  url: string,
  it: {
    readonly config: Config
    readonly integrationId: IntegrationId
    readonly outside: Outside
    readonly db?: Kysely<Database>
  },
): Worker {
  const { config, integrationId, outside, db = connect(url) } = it
  const leases = new Leases(db, url)
  const zendesk = new ZendeskClient({ db, config })
  const http = new HttpSink({ allowPrivateAddresses: true })
  const { signal } = new AbortController()
  return {
    db,
    url,
    leases,
    zendesk,
    config,
    integrationId,
    http,
    sinkUrl: outside.sinkUrl,
    signal,
    file: outside.file,
    [Symbol.asyncDispose]: async () => {
      // What a dead worker leaves undone is nobody's error.
      await zendesk[Symbol.asyncDispose]().catch(() => {})
      await http[Symbol.asyncDispose]().catch(() => {})
      await leases[Symbol.asyncDispose]().catch(() => {})
      await db.destroy()
    },
  }
}
