import type { Context } from 'koa'
import { DatabaseError, RequestError } from '../errors.ts'

/** An error as it goes out over HTTP. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: {
    readonly error: {
      readonly code: string
      readonly message: string
      readonly details?: readonly string[]
    }
  }
}

/** Long enough for a database to fail over, short enough for a person to wait. */
const RETRY_AFTER_SECONDS = 10

const NOTHING_HERE = 'there is nothing at this address: /admin/openapi.json lists what there is'

/** What the body parser and the router refuse; their own messages can quote the input. */
const refusals: ReadonlyMap<number, readonly [code: string, message: string]> = new Map([
  [400, ['malformed', 'the request is not well-formed: expected a JSON object']],
  [404, ['not_found', NOTHING_HERE]],
  [405, ['method_not_allowed', 'this address does not take that method']],
  [413, ['too_large', 'the body is larger than this address takes']],
  [
    415,
    ['unsupported_media_type', 'expected content-type application/json, not encoded otherwise'],
  ],
])

/** Only errors meant for people speak; of any other one nothing but the status goes out. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof RequestError) {
    const { status, publicCode, message, details, retryAfterSeconds } = error
    const headers = { ...error.headers, ...retryAfter(retryAfterSeconds) }
    return answer(status, publicCode, message, { headers, details })
  }
  const refusal = refusals.get(exposedStatus(error) ?? 0)
  if (refusal !== undefined) return answer(exposedStatus(error) ?? 400, ...refusal)
  if (isDatabaseAway(error)) {
    return answer(503, 'unavailable', 'the database cannot be reached: try again shortly', {
      headers: retryAfter(RETRY_AFTER_SECONDS),
    })
  }
  return answer(500, 'internal', 'something went wrong on our side; it is logged')
}

/** The answer to a request that no route took; `methods` are those that the address does take. */
export function refusalAnswer(status: 404 | 405, methods = ''): ErrorAnswer {
  const [code, message] = refusals.get(status) ?? ['not_found', NOTHING_HERE]
  return answer(status, code, methods === '' ? message : `${message}, but ${methods}`)
}

export function sendAnswer(ctx: Context, { status, headers, body }: ErrorAnswer): void {
  ctx.status = status
  ctx.set(headers)
  ctx.body = body
}

/** Whether the database, and not the request or the code, is what failed. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseError) return true
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // Class 08 connection exception, 53 resources, 57P shutdown and start; the rest is the socket's.
  if (/^(08|53|57P)/.test(code)) return true
  if (/^(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH)$/.test(code)) {
    return true
  }
  // The pool and its connections throw these without a code.
  return /^(Connection terminated|timeout e(xceeded|xpired)|Client has encountered|Query read t)/i.test(
    error.message,
  )
}

function exposedStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined
  const { status } = error
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(Math.ceil(seconds)) }
}

function answer(
  status: number,
  code: string,
  message: string,
  rest: { headers?: Record<string, string>; details?: readonly string[] | undefined } = {},
): ErrorAnswer {
  const { headers = {}, details } = rest
  return { status, headers, body: { error: { code, message, ...(details && { details }) } } }
}
