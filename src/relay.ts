import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Config } from './platform/config/config.ts'
import { pause } from './platform/lifecycle.ts'
import { publishLog } from './platform/log.ts'
import { appendOnce } from './publish/append-once.ts'
import { HttpSink } from './publish/http-sink.ts'
import { LANES, relayOnce } from './publish/relay-once.ts'

/** Between a look at the outbox that found nothing and the next one. */
const IDLE_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000

export interface RelayLoopDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** Relays to every sink of the environment until the signal aborts. A failed pass is tried again. */
export async function runRelay({ db, config }: RelayLoopDeps, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { url, file, allowPrivateAddresses } = config.sink
  const secret = config.secrets.sinkSecret
  const names = sinkNames(config)
  const loops: Promise<void>[] = []
  if (names.http !== undefined && url !== undefined && secret !== undefined) {
    const name = names.http
    const sink = stack.use(new HttpSink({ url, secret, allowPrivateAddresses, connections: LANES }))
    loops.push(keepPassing('http', () => relayOnce({ db, sink, name }, signal), signal))
  }
  if (names.file !== undefined && file !== undefined) {
    const name = names.file
    loops.push(
      keepPassing('file', () => appendOnce({ db, sink: name, path: file }, signal), signal),
    )
  }
  await Promise.all(loops)
}

/** Under which names the sinks of the environment keep their positions; each takes every workspace. */
export function sinkNames({ sink: { url, file }, secrets }: Config): {
  readonly http?: string
  readonly file?: string
} {
  return {
    ...(url !== undefined && secrets.sinkSecret !== undefined && { http: 'http' }),
    ...(file !== undefined && { file: `file:${file === '-' ? file : path.resolve(file)}` }),
  }
}

type Counts = Readonly<Record<string, number>>

async function keepPassing(
  sink: string,
  pass: () => Promise<Counts>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let waitMs = IDLE_MS
    try {
      const counts = await pass()
      failures = 0
      if (Object.values(counts).some((count) => count > 0)) {
        publishLog.info({ sink, ...counts }, 'relay pass finished')
      }
      if ((counts['missed'] ?? 0) > 0) {
        publishLog.warn(
          { sink },
          'sink begins behind pruned publications: see …/transcripts/current',
        )
      }
      waitMs = Math.max(IDLE_MS, counts['holdMs'] ?? 0)
    } catch (error) {
      if (signal.aborted) return
      waitMs = Math.min(IDLE_MS * 2 ** failures, LONGEST_BACKOFF_MS)
      failures += 1
      publishLog.error({ sink, failures, waitMs, err: error }, 'relay pass failed')
    }
    await pause(waitMs, signal)
  }
}
