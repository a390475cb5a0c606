import { createHash } from 'node:crypto'
import { DateTime } from 'luxon'
import { z } from 'zod'
import type { TokenGrant } from '../credential/credential.ts'
import type { Subdomain } from '../ids.ts'
import type { Config } from '../platform/config/config.ts'
import {
  BudgetSpentError,
  ConfigError,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import { accountAddress } from './http/address.ts'
import { type HttpAnswer, parseJson, readFields, readResponse } from './http/read-response.ts'
import { retryAfterMs } from './http/retry.ts'
import { tokenAnswerSchema, tokenErrorSchema } from './schemas.ts'

/** Asked for each time: a token that comes without a lifetime may die without a word. */
const LIFETIMES = { expires_in: 86_400, refresh_token_expires_in: 2_592_000 }

/** Where a person is sent to give consent. */
export function authorizeUrl(
  zendesk: Config['zendesk'],
  subdomain: Subdomain,
  request: { readonly redirectUri: string; readonly state: string; readonly codeVerifier: string },
): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientIdOf(zendesk),
    redirect_uri: request.redirectUri,
    scope: zendesk.scope,
    state: request.state,
    code_challenge: codeChallenge(request.codeVerifier),
    code_challenge_method: 'S256',
  })
  return `${accountAddress(zendesk.urlTemplate, subdomain)}/oauth/authorizations/new?${query.toString()}`
}

/** PKCE, method S256 (RFC 7636, section 4.2). */
export function codeChallenge(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url')
}

/** The client that this service is to Zendesk; a public one has no secret. */
export interface Client {
  readonly client_id: string
  readonly client_secret?: string
}

export function clientOf(config: Config): Client {
  const secret = config.secrets.zendeskClientSecret
  return {
    client_id: clientIdOf(config.zendesk),
    ...(secret !== undefined && { client_secret: secret }),
  }
}

function clientIdOf(zendesk: Config['zendesk']): string {
  if (zendesk.clientId === undefined) {
    throw new ConfigError(['ZENDESK_CLIENT_ID: missing: the OAuth client to connect accounts with'])
  }
  return zendesk.clientId
}

export interface CodeExchange {
  readonly code: string
  readonly codeVerifier: string
  readonly redirectUri: string
}

export function codeGrantBody(client: Client, exchange: CodeExchange, scope: string): object {
  return {
    grant_type: 'authorization_code',
    code: exchange.code,
    redirect_uri: exchange.redirectUri,
    code_verifier: exchange.codeVerifier,
    scope,
    ...client,
    ...LIFETIMES,
  }
}

export function refreshGrantBody(client: Client, refreshToken: string, scope: string): object {
  return {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    scope,
    ...client,
    ...LIFETIMES,
  }
}

export interface Asked {
  readonly grantType: 'authorization_code' | 'refresh_token'
  readonly clientId: string
  readonly scope: string
  /** When the request was sent: lifetimes are counted from then, which errs on the safe side. */
  readonly at: DateTime
  readonly minuteMs: number
}

/** Reads an answer of the token endpoint. Any 2xx will do: documents say 201, servers also 200. */
export function readTokenAnswer(answer: HttpAnswer, asked: Asked): TokenGrant {
  if (answer.status < 200 || answer.status >= 300) throw refusal(answer, asked)
  const reading = readResponse(answer)
  if (reading.kind === 'failed' || reading.kind === 'unavailable') throw reading.error
  const value = reading.kind === 'answered' ? reading.value : undefined
  const fields = readFields(tokenAnswerSchema, value, 'token endpoint')
  const expiresAt = expiryOf(fields.access_token, fields.expires_in, asked.at)
  const refreshToken = fields.refresh_token ?? null
  if (refreshToken === null && (expiresAt !== null || asked.grantType === 'refresh_token')) {
    throw new ZendeskRefusedError(
      'refresh_token_missing',
      'Zendesk gave an access token that ends without a refresh token to follow: connect the account again, with an OAuth client that may refresh',
    )
  }
  return {
    accessToken: fields.access_token,
    refreshToken,
    clientId: asked.clientId,
    scope: fields.scope ?? asked.scope,
    expiresAt,
    refreshExpiresAt: after(asked.at, fields.refresh_token_expires_in),
  }
}

/** Only `invalid_grant` asks a person to connect again; what is not known is worth another try. */
function refusal(answer: HttpAnswer, asked: Asked): Error {
  const { status } = answer
  const parsed = tokenErrorSchema.safeParse(parseJson(answer.body))
  const isClientError = status >= 400 && status < 500 && status !== 429
  if (!isClientError || !parsed.success) return transient(answer, asked)
  switch (parsed.data.error) {
    case 'invalid_grant':
      return new ZendeskRefusedError(
        'credentials_revoked',
        'Zendesk does not accept the grant: it is used, expired or revoked; connect the account again',
      )
    case 'invalid_client':
      return new ZendeskRefusedError(
        'client_rejected',
        'Zendesk rejects our OAuth client: check ZENDESK_CLIENT_ID, which is the unique identifier and no number, and ZENDESK_CLIENT_SECRET',
      )
    case 'invalid_scope':
      return new ZendeskRefusedError(
        'scope_insufficient',
        'Zendesk does not grant the scope of ZENDESK_SCOPE to our OAuth client',
      )
    default:
      return transient(answer, asked)
  }
}

function transient(answer: HttpAnswer, asked: Asked): Error {
  const reading = readResponse(answer)
  if (reading.kind === 'failed') return reading.error
  if (reading.kind === 'limited') {
    const nowMs = asked.at.toMillis()
    const waitMs = retryAfterMs(answer.headers['retry-after'], nowMs, asked.minuteMs)
    return new BudgetSpentError('the token endpoint asked to wait', new Date(nowMs + waitMs))
  }
  return new ZendeskUnavailableError(`the token endpoint answers ${answer.status}`, answer.status)
}

/** The end of an access token; one that is a JWT says it itself. Null: as long as it is not revoked. */
function expiryOf(
  accessToken: string,
  expiresIn: number | null | undefined,
  at: DateTime,
): DateTime | null {
  return after(at, expiresIn) ?? jwtExpiry(accessToken)
}

function after(at: DateTime, seconds: number | null | undefined): DateTime | null {
  return seconds === null || seconds === undefined ? null : at.plus({ seconds })
}

const jwtPayload = z.object({ exp: z.number() })

function jwtExpiry(token: string): DateTime | null {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return null
  const claims = jwtPayload.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')))
  return claims.success ? DateTime.fromSeconds(claims.data.exp, { zone: 'utc' }) : null
}
