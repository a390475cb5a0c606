import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import { RequestError } from '../errors.ts'
import type { Secrets } from '../config/secrets.ts'
import { FailedLogins, clientOf } from './failed-logins.ts'

const NO_TOKEN = 'a bearer token is needed: expected the header "Authorization: Bearer <token>"'

type Tokens = Pick<Secrets, 'adminToken' | 'readToken'>

/** Lets in who carries the admin token. */
export function requireAdmin(tokens: Tokens): Middleware {
  return requireOneOf([tokens.adminToken], tokens)
}

/** Lets in who carries the read token or the admin token. */
export function requireRead(tokens: Tokens): Middleware {
  return requireOneOf([tokens.adminToken, tokens.readToken], tokens)
}

function requireOneOf(accepted: readonly (string | undefined)[], tokens: Tokens): Middleware {
  const hashes = hashesOf(accepted)
  const known = hashesOf([tokens.adminToken, tokens.readToken])
  return async (ctx, next) => {
    const token = /^Bearer +(\S+) *$/i.exec(ctx.get('authorization'))?.[1]
    if (token === undefined) throw refusal(NO_TOKEN, '')
    const hash = hashOf(token)
    if (isOneOf(hashes, hash)) return await next()
    // Who brings a token of ours to the wrong door does not guess.
    throw isOneOf(known, hash) ? wrongToken() : refuseGuess(ctx.req)
  }
}

function hashesOf(tokens: readonly (string | undefined)[]): Buffer[] {
  return tokens.filter((token) => token !== undefined).map(hashOf)
}

/** Every one is compared, and hashes of equal length: the time tells nothing. */
function isOneOf(hashes: readonly Buffer[], hash: Buffer): boolean {
  return hashes.map((known) => timingSafeEqual(known, hash)).includes(true)
}

/** One count for all addresses of this process. */
const failedLogins = new FailedLogins()

function refuseGuess(request: IncomingMessage): RequestError {
  const waitSeconds = failedLogins.note(clientOf(request), performance.now())
  if (waitSeconds === undefined) return wrongToken()
  return new RequestError(
    429,
    'too_many_failures',
    'too many wrong bearer tokens came from this address: wait, then bring the right one',
    { retryAfterSeconds: waitSeconds },
  )
}

function wrongToken(): RequestError {
  return refusal('this bearer token does not open this address', ', error="invalid_token"')
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function refusal(message: string, challenge: string): RequestError {
  return new RequestError(401, 'unauthorized', message, {
    headers: { 'www-authenticate': `Bearer realm="hearflow-zendesk"${challenge}` },
  })
}
