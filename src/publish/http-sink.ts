import { lookup as resolve } from 'node:dns'
import { BlockList, type LookupFunction, isIP } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, buildConnector, request } from 'undici'
import type { Publication } from '../outbox/publication.ts'
import { SinkRefusedError } from '../platform/errors.ts'
import type { Answer } from './verdict.ts'

/** From the first byte sent to the last header received; Standard Webhooks recommends 15 to 30 s. */
const TIMEOUT_MS = 15_000
const CONNECT_TIMEOUT_MS = 5_000
/** What a receiver says beyond its status is thrown away; more than this ends the connection. */
const BODY_LIMIT = 16_384

export interface HttpSinkOptions {
  readonly url: string
  readonly secret: string
  readonly allowPrivateAddresses: boolean
  readonly connections: number
}

/** A receiver of publications: one signed POST each. The status is its whole answer. */
export class HttpSink {
  readonly #url: string
  readonly #webhook: Webhook
  readonly #agent: Agent

  constructor({ url, secret, allowPrivateAddresses, connections }: HttpSinkOptions) {
    this.#url = url
    this.#webhook = new Webhook(secret)
    const limits = { timeout: CONNECT_TIMEOUT_MS, allowH2: false }
    const connect = allowPrivateAddresses ? buildConnector(limits) : publicConnector(limits)
    this.#agent = new Agent({ connections, connect, bodyTimeout: TIMEOUT_MS })
  }

  /** Throws only if the signal aborts. The id is the same at each attempt: a receiver knows a repeat by it. */
  async send(publication: Publication, signal: AbortSignal): Promise<Answer> {
    const body = JSON.stringify(publication)
    const sentAt = new Date()
    try {
      const response = await request(this.#url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'hearflow-zendesk',
          'webhook-id': publication.id,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': this.#webhook.sign(publication.id, sentAt, body),
        },
        body,
      })
      void response.body.dump({ limit: BODY_LIMIT })
      const retryAfter = response.headers['retry-after']
      return {
        kind: 'answered',
        status: response.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      }
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'unanswered', reason: reasonOf(error) }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }
}

/** Without the address: it may carry credentials. */
function reasonOf(error: unknown): string {
  if (error instanceof SinkRefusedError) return error.message
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  return 'code' in error ? `no answer (${String(error.code)})` : `no answer (${error.name})`
}

/**
 * Connects to public addresses only. The very addresses that are judged are those connected to, so a
 * name that resolves differently a moment later gains nothing.
 */
function publicConnector(limits: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector({ ...limits, lookup: lookupPublic })
  return (options, callback) => {
    const literal = options.hostname.replace(/^\[|\]$/g, '')
    // A literal address is connected to without a look-up.
    if (isIP(literal) !== 0 && !isPublicAddress(literal)) callback(refusal(), null)
    else connect(options, callback)
  }
}

const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '')
    const [first] = addresses
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(refusal(), '')
    }
    if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

function refusal(): SinkRefusedError {
  return new SinkRefusedError(
    'the receiver is not at a public address: SINK_ALLOW_PRIVATE_ADDRESSES=true allows it',
  )
}

/** The IPv4 ranges that are not global, after IANA's registry of special-purpose addresses. */
const special4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]
/** Of IPv6 only 2000::/3 is global unicast; these parts of it are tunnels into IPv4 or special. */
const special6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const notPublic = new BlockList()
for (const [network, prefix] of special4) notPublic.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of special6) notPublic.addSubnet(network, prefix, 'ipv6')
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !notPublic.check(address, 'ipv4')
  return global6.check(address, 'ipv6') && !notPublic.check(address, 'ipv6')
}
