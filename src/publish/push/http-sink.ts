import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, buildConnector, request } from 'undici'
import type { Publication } from '../../outbox/publication.ts'
import type { Receiver } from '../../outbox/sink/terms.ts'
import { SinkRefusedError } from '../../platform/errors.ts'
import { isPublicAddress, literalAddress } from '../../platform/net/public-address.ts'
import type { Answer } from './verdict.ts'

/** From the first byte sent to the last header received; Standard Webhooks recommends 15 to 30 s. */
const TIMEOUT_MS = 15_000
/** The part of it within which a connection is made. */
const CONNECT_SHARE = 1 / 3
/** What a receiver says beyond its status is thrown away; more than this ends the connection. */
const BODY_LIMIT = 16_384
/** So does a body that takes longer. */
const BODY_TIMEOUT_MS = 1_000

export interface HttpSinkOptions {
  readonly allowPrivateAddresses: boolean
  readonly timeoutMs?: number
  /** How names are looked up; that of the system unless a test has its own. */
  readonly lookup?: LookupAll
}

type LookupAll = (
  hostname: string,
  options: Parameters<LookupFunction>[1] & { readonly all: true },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: { readonly address: string; readonly family: number }[],
  ) => void,
) => void

export interface Sending {
  readonly publication: Publication
  /** It was in the feed before, and is sent once more because somebody asked for it. */
  readonly replayed: boolean
}

/**
 * Sends publications to receivers: one signed POST each, whose status is the whole answer. It serves
 * all receivers: each request that finds no free connection to its address opens one, so that no
 * receiver waits for what another one does, and who sends bounds the number of requests.
 */
export class HttpSink {
  readonly #agent: Agent
  readonly #timeoutMs: number

  constructor({ allowPrivateAddresses, timeoutMs, lookup }: HttpSinkOptions) {
    this.#timeoutMs = timeoutMs ?? TIMEOUT_MS
    const limits = { timeout: this.#timeoutMs * CONNECT_SHARE, allowH2: false }
    const connect = allowPrivateAddresses
      ? buildConnector(limits)
      : publicConnector(limits, lookup ?? resolve)
    // For HTTP/2 one request would connect at a time, and those behind it could not be ended.
    this.#agent = new Agent({ connect, bodyTimeout: this.#timeoutMs, allowH2: false })
  }

  /** Throws only if the signal aborts. The id is the same at each attempt: a receiver knows a repeat by it. */
  async send(receiver: Receiver, sending: Sending, signal: AbortSignal): Promise<Answer> {
    const { id } = sending.publication
    const body = JSON.stringify(sending.publication)
    const sentAt = new Date()
    try {
      const response = await request(receiver.url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'hearflow-zendesk',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': receiver.secrets
            .map((secret) => new Webhook(secret).sign(id, sentAt, body))
            .join(' '),
          ...(sending.replayed && { 'webhook-replay': 'true' }),
        },
        body,
      })
      // Waited for, so that no receiver holds more connections than it is given lanes.
      const patience = AbortSignal.timeout(BODY_TIMEOUT_MS)
      await response.body.dump({ limit: BODY_LIMIT, signal: patience }).catch(() => {})
      const retryAfter = response.headers['retry-after']
      return {
        kind: 'answered',
        status: response.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      }
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'unanswered', reason: this.#reasonOf(error) }
    }
  }

  /** Without the address: it may carry credentials. */
  #reasonOf(error: unknown): string {
    if (error instanceof SinkRefusedError) return error.message
    if (!(error instanceof Error)) return 'no answer'
    if (error.name === 'TimeoutError') return `no answer within ${this.#timeoutMs / 1000} s`
    return 'code' in error ? `no answer (${String(error.code)})` : `no answer (${error.name})`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }
}

/**
 * Connects to public addresses only. The very addresses that are judged are those connected to, so a
 * name that resolves differently a moment later gains nothing.
 */
function publicConnector(
  limits: buildConnector.BuildOptions,
  lookup: LookupAll,
): buildConnector.connector {
  const connect = buildConnector({ ...limits, lookup: publicLookup(lookup) })
  return (options, callback) => {
    const literal = literalAddress(options.hostname)
    // A literal address is connected to without a look-up.
    if (literal !== undefined && !isPublicAddress(literal)) callback(refusal(), null)
    else connect(options, callback)
  }
}

function publicLookup(lookup: LookupAll): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(refusal(), '')
      }
      if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function refusal(): SinkRefusedError {
  return new SinkRefusedError(
    'the receiver is not at a public address: SINK_ALLOW_PRIVATE_ADDRESSES=true allows it',
  )
}
