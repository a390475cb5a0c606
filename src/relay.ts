import { createHash } from 'node:crypto'
import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { openSecrets } from './outbox/sink/secret-store.ts'
import { type DueSink, findDueSinks } from './outbox/sink/due-store.ts'
import { ENVIRONMENT_SINK, type Receiver } from './outbox/sink/terms.ts'
import { registerEnvironmentSink } from './outbox/sink/store.ts'
import type { Config } from './platform/config/config.ts'
import { pause } from './platform/lifecycle.ts'
import { publishLog } from './platform/log.ts'
import { appendOnce } from './publish/append-once.ts'
import { endOnce } from './publish/push/end-once.ts'
import { HttpSink } from './publish/push/http-sink.ts'
import { LANES, relayOnce } from './publish/push/relay-once.ts'

/** Between a look at the outbox that found nothing and the next one. */
const IDLE_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000
/** A look at very many receivers is long: it takes at most a tenth of the time. */
const PATIENCE = 10

/** Receivers served at once: one that does not answer holds up its own lanes and one of these places. */
const MOST_SINKS = 256
/** Requests under way at once, shared by the receivers that there are; each gets at least a few lanes. */
const MOST_LANES = 256
const FEWEST_LANES = 4
/** After so long a receiver with a backlog makes room, and the lanes are shared anew. */
const SLICE_MS = 30_000

export interface RelayLoopDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** Relays to every sink until the signal aborts. A failed pass is tried again. */
export async function runRelay({ db, config }: RelayLoopDeps, signal: AbortSignal): Promise<void> {
  const loops = [keepPushing({ db, config }, signal)]
  const { file: path } = config.sink
  const { file: sink } = sinkNames(config)
  if (sink !== undefined && path !== undefined) {
    loops.push(keepPassing(() => appendOnce({ db, sink, path }, signal), signal))
  }
  await Promise.all(loops)
}

/** Under which names the sinks of the environment keep their positions; each takes every workspace. */
export function sinkNames({ sink: { url, file }, secrets }: Config): {
  readonly http?: string
  readonly file?: string
} {
  return {
    ...(url !== undefined && secrets.sinkSecret !== undefined && { http: ENVIRONMENT_SINK }),
    ...(file !== undefined && { file: `file:${file === '-' ? file : path.resolve(file)}` }),
  }
}

/**
 * Looks every second which receivers something is to be done for, and serves each of them in a pass of
 * its own, so that none waits for what another one does. Several processes share the work: they find
 * the same receivers, and claim different deliveries.
 */
async function keepPushing({ db, config }: RelayLoopDeps, signal: AbortSignal): Promise<void> {
  const { allowPrivateAddresses } = config.sink
  await using http = new HttpSink({ allowPrivateAddresses })
  const backoff = new Backoff()
  const served = new Map<string, Promise<void>>()
  let isRegistered = false
  const look = async (): Promise<Counts> => {
    if (!isRegistered) await registerEnvironmentSink(db, hashOf(config))
    isRegistered = true
    const limit = MOST_SINKS - served.size
    const due = limit > 0 ? await findDueSinks(db, { except: [...served.keys()], limit }) : []
    const share = Math.floor(MOST_LANES / Math.max(served.size + due.length, 1))
    const lanes = Math.min(Math.max(share, FEWEST_LANES), LANES)
    for (const sink of due) {
      const pass = () => serve({ db, http, config, lanes }, sink, signal)
      const ended = passOnce(sink.name, pass, { backoff, signal })
        .then((waitMs) => (waitMs > IDLE_MS ? pause(waitMs, signal) : undefined))
        .finally(() => served.delete(sink.name))
      served.set(sink.name, ended)
    }
    return {}
  }
  while (!signal.aborted) {
    const startedAt = performance.now()
    const waitMs = await passOnce('all', look, { backoff, signal })
    await pause(Math.max(waitMs, (performance.now() - startedAt) * PATIENCE), signal)
  }
  await Promise.all(served.values())
}

interface ServeDeps extends RelayLoopDeps {
  readonly http: HttpSink
  readonly lanes: number
}

async function serve(
  { db, http, config, lanes }: ServeDeps,
  sink: DueSink,
  signal: AbortSignal,
): Promise<Counts> {
  if (sink.state !== 'active') return endOnce(db, sink.name, signal)
  const receiver = receiverOf(config, sink)
  if (receiver === undefined) return {}
  return relayOnce({ db, http, sink, receiver, lanes, sliceMs: SLICE_MS }, signal)
}

/** The one receiver whose address and secret are not in its row is that of the environment. */
function receiverOf(config: Config, sink: DueSink): Receiver | undefined {
  if (sink.workspaceId === null) return environmentReceiver(config)
  return { url: sink.row.url, secrets: openSecrets(config.secrets.encryptionKeys, sink.row) }
}

function environmentReceiver({ sink: { url }, secrets }: Config): Receiver | undefined {
  if (url === undefined || secrets.sinkSecret === undefined) return undefined
  return { url, secrets: [secrets.sinkSecret] }
}

/** Tells one address and secret from others, and neither of them. */
function hashOf(config: Config): string | undefined {
  const receiver = environmentReceiver(config)
  if (receiver === undefined) return undefined
  const text = [receiver.url, ...receiver.secrets].join(' ')
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

type Counts = Readonly<Record<string, number>>

async function keepPassing(pass: () => Promise<Counts>, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff()
  while (!signal.aborted) {
    await pause(await passOnce('file', pass, { backoff, signal }), signal)
  }
}

/** How often each pass has failed, one time after the other. */
class Backoff {
  readonly #failures = new Map<string, number>()

  end(pass: string): void {
    this.#failures.delete(pass)
  }

  /** Counts a failure. */
  next(pass: string): { readonly failures: number; readonly waitMs: number } {
    const failures = (this.#failures.get(pass) ?? 0) + 1
    this.#failures.set(pass, failures)
    return { failures, waitMs: Math.min(IDLE_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS) }
  }
}

/** Answers how long to wait before the next one. */
async function passOnce(
  sink: string,
  pass: () => Promise<Counts>,
  { backoff, signal }: { readonly backoff: Backoff; readonly signal: AbortSignal },
): Promise<number> {
  try {
    const counts = await pass()
    backoff.end(sink)
    if (Object.values(counts).some((count) => count > 0)) {
      publishLog.info({ sink, ...counts }, 'relay pass finished')
    }
    if ((counts['missed'] ?? 0) > 0) {
      publishLog.warn({ sink }, 'sink begins behind pruned publications: see …/transcripts/current')
    }
    return IDLE_MS
  } catch (error) {
    if (signal.aborted) return 0
    const { failures, waitMs } = backoff.next(sink)
    publishLog.error({ sink, failures, waitMs, err: error }, 'relay pass failed')
    return waitMs
  }
}
