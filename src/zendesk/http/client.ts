import { lookup as resolve } from 'node:dns'
import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { gunzip as gunzipCallback } from 'node:zlib'
import { Agent, request as send } from 'undici'
import { ZendeskUnavailableError } from '../../platform/errors.ts'
import { zendeskLog as log } from '../../platform/log.ts'
import { isLoopbackName } from './address.ts'
import { codeOf } from './failure.ts'
import type { HttpAnswer } from './read-response.ts'
import { requestIdOf, warningText } from './warning.ts'

const gunzip = promisify(gunzipCallback)

/** Several times a full page of the export; more than this is nothing that we asked for. */
const LARGEST_BODY_BYTES = 64 * 1024 * 1024

/** To one account; what is sent at once is decided where tickets are read. */
const CONNECTIONS = 64

const CONNECT_TIMEOUT_MS = 10_000

/** A server that warns of something else each time has told enough. */
const MOST_WARNINGS = 100

const USER_AGENT = userAgent()

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** The account's address; the token is sent there and nowhere else. */
  readonly base: string
  /** Begins with a slash. */
  readonly path: string
  readonly token?: string
  readonly json?: object
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** What the log says besides status, duration and Zendesk's id of the request. */
  readonly logFields: Readonly<Record<string, string>>
  /** Told once of each request that went out: the status of its answer, or 0 without a whole one. */
  readonly onEnd?: (status: number) => void
}

/** One exchange with Zendesk over kept connections. Redirects are answers like any other. */
export class HttpClient {
  readonly #warnings = new Set<string>()
  readonly #agent = new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    maxResponseSize: LARGEST_BODY_BYTES,
    // The timer of each request bounds them all.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: lookupLoopback, timeout: CONNECT_TIMEOUT_MS },
  })

  /** Throws `ZendeskUnavailableError` if no whole answer comes, `signal.reason` if we are stopped. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted()
    const startedAt = performance.now()
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(timeoutError()), request.timeoutMs)
    const stop = (): void => controller.abort(request.signal?.reason)
    request.signal?.addEventListener('abort', stop, { once: true })
    try {
      const answer = await this.#exchange(request, controller.signal)
      request.onEnd?.(answer.status)
      logAnswer(request, answer, performance.now() - startedAt)
      this.#logWarning(request, answer)
      return answer
    } catch (cause) {
      request.onEnd?.(0)
      request.signal?.throwIfAborted()
      const reason = codeOf(cause)
      log.warn({ ...request.logFields, reason }, 'no whole answer from zendesk')
      throw new ZendeskUnavailableError(
        `no whole answer from Zendesk (${reason})`,
        undefined,
        cause,
      )
    } finally {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', stop)
    }
  }

  /** Lets exchanges under way come to their end: one of them may be a refresh. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.close()
  }

  /** Once a text: it comes with every answer, and asks for a change of this program. */
  #logWarning({ logFields }: HttpRequest, { headers }: HttpAnswer): void {
    const header = headers['x-zendesk-api-warn']
    if (header === undefined) return
    const warning = warningText(header)
    if (this.#warnings.has(warning) || this.#warnings.size >= MOST_WARNINGS) return
    this.#warnings.add(warning)
    const requestId = requestIdOf(headers['x-request-id'])
    log.warn({ ...logFields, requestId, warning }, 'zendesk warns')
  }

  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { statusCode, headers, body } = await send(`${request.base}${request.path}`, {
      dispatcher: this.#agent,
      method: request.method ?? 'GET',
      headers: headersOf(request),
      body: request.json === undefined ? null : JSON.stringify(request.json),
      signal,
    })
    const flat = flatten(headers)
    const text =
      flat['content-encoding'] === 'gzip' ? await unzip(await body.bytes()) : await body.text()
    return { status: statusCode, headers: flat, body: text }
  }
}

function userAgent(): string {
  const file = new URL('../../../package.json', import.meta.url)
  const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  return `${name}/${version}`
}

function headersOf({ token, json }: HttpRequest): Record<string, string> {
  return {
    accept: 'application/json',
    'accept-encoding': 'gzip',
    'user-agent': USER_AGENT,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(json !== undefined && { 'content-type': 'application/json' }),
  }
}

function flatten(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | undefined> {
  const flat: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

/** An answer without a body may name an encoding all the same. */
async function unzip(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) return ''
  const plain = await gunzip(bytes, { maxOutputLength: LARGEST_BODY_BYTES })
  return plain.toString('utf8')
}

function logAnswer({ logFields }: HttpRequest, answer: HttpAnswer, ms: number): void {
  // A 404 is what a deleted ticket answers: part of the day's work.
  const level = answer.status < 400 || answer.status === 404 ? 'debug' : 'warn'
  if (!log.isLevelEnabled(level)) return
  const requestId = requestIdOf(answer.headers['x-request-id'])
  log[level](
    { ...logFields, status: answer.status, ms: Math.round(ms), requestId },
    'zendesk answered',
  )
}

function timeoutError(): Error {
  return Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })
}

/** A server on `localhost` listens at one of them, and which one is up to its system. */
const loopback = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** `.localhost` is this machine on every system, also where its resolver does not know the name. */
const lookupLoopback: LookupFunction = (hostname, options, callback) => {
  if (!isLoopbackName(hostname)) {
    resolve(hostname, options, callback)
    return
  }
  if (options.all) callback(null, loopback)
  else callback(null, '127.0.0.1', 4)
}
