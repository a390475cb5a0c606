import { createHash, timingSafeEqual } from 'node:crypto'
import type { Middleware } from 'koa'
import { RequestError } from '../errors.ts'
import type { Secrets } from '../config/secrets.ts'

type Tokens = Pick<Secrets, 'adminToken' | 'readToken'>

/** Lets in who carries the admin token. */
export function requireAdmin(tokens: Tokens): Middleware {
  return requireOneOf([tokens.adminToken])
}

/** Lets in who carries the read token or the admin token. */
export function requireRead(tokens: Tokens): Middleware {
  return requireOneOf([tokens.adminToken, tokens.readToken])
}

function requireOneOf(accepted: readonly (string | undefined)[]): Middleware {
  const hashes = accepted.filter((token) => token !== undefined).map(hashOf)
  return async (ctx, next) => {
    const token = /^Bearer +(\S+) *$/i.exec(ctx.get('authorization'))?.[1]
    if (token === undefined) throw refusal('a bearer token is needed', '')
    const hash = hashOf(token)
    // Every accepted token is compared, and hashes of equal length: the time tells nothing.
    const matches = hashes.map((known) => timingSafeEqual(known, hash))
    if (!matches.includes(true)) {
      throw refusal('this bearer token does not open this address', ', error="invalid_token"')
    }
    await next()
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function refusal(message: string, challenge: string): RequestError {
  return new RequestError(401, 'unauthorized', message, {
    headers: { 'www-authenticate': `Bearer realm="hearflow-zendesk"${challenge}` },
  })
}
