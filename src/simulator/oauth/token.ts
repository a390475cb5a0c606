import { createHash } from 'node:crypto'
import type { Answer, Call } from '../api/answer.ts'
import type { Grant, NewGrant } from './grants.ts'

interface Lifetimes {
  readonly access: number | null
  readonly refresh: number | null
}

const DESCRIPTIONS = {
  invalid_client:
    'The client identifier provided is invalid, the client failed to authenticate, the client did not include its credentials, provided multiple client credentials, or used unsupported credentials type.',
  invalid_grant:
    'The provided access grant is invalid, expired, or revoked (e.g. invalid assertion, expired authorization token, bad end-user password credentials, or mismatching authorization code and redirection URI).',
  invalid_request:
    'The request is missing a required parameter or has a value that is not allowed.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed.',
  unsupported_grant_type: 'The access grant included is not supported by the authorization server.',
} as const

/** Seconds a refresh token lives when nobody asks, and the bounds Zendesk documents for both. */
const REFRESH_DEFAULT = 2_592_000
const ACCESS_BOUNDS = [300, 172_800] as const
const REFRESH_BOUNDS = [604_800, 7_776_000] as const

/**
 * The token endpoint. The client is checked first, then the request, then the code or the refresh
 * token, so that a request with wrong credentials or lifetimes uses up nothing.
 */
export function issueToken(call: Call): Answer {
  const form = (call.body ?? {}) as Readonly<Record<string, unknown>>
  const { client } = call.account
  if (form['client_id'] !== client.id || form['client_secret'] !== client.secret) {
    return refusal('invalid_client')
  }
  const lifetimes = lifetimesOf(form)
  if (lifetimes === null) return refusal('invalid_request')
  if (form['grant_type'] === 'authorization_code') return exchangeCode(call, form, lifetimes)
  if (form['grant_type'] === 'refresh_token') return refresh(call, form, lifetimes)
  return refusal('unsupported_grant_type')
}

function exchangeCode(
  call: Call,
  form: Readonly<Record<string, unknown>>,
  lifetimes: Lifetimes,
): Answer {
  const { client, grants } = call.account
  const scopes = scopesOf(form, null)
  if (scopes.some((scope) => !client.scopes.includes(scope))) return refusal('invalid_scope')
  const code = grants.takeCode(textOf(form['code']))
  if (code === null || code.redirectUri !== form['redirect_uri']) return refusal('invalid_grant')
  if (!isVerified(code.challenge, form['code_verifier'])) return refusal('invalid_grant')
  return issue(call, code.scopes.length === 0 ? scopes : code.scopes, lifetimes)
}

function refresh(
  call: Call,
  form: Readonly<Record<string, unknown>>,
  lifetimes: Lifetimes,
): Answer {
  const { client, grants } = call.account
  const token = textOf(form['refresh_token'])
  if (token === '') return refusal('invalid_request')
  const old = grants.takeRefresh(token, client.id)
  if (old === null) return refusal('invalid_grant')
  const scopes = scopesOf(form, old)
  if (scopes.some((scope) => !client.scopes.includes(scope))) return refusal('invalid_scope')
  old.isDead = true
  return issue(call, scopes, lifetimes)
}

function issue(call: Call, scopes: readonly string[], lifetimes: Lifetimes): Answer {
  const { settings, grants, client } = call.account
  const access = settings.accessTokenSeconds ?? lifetimes.access
  const wanted: NewGrant = {
    clientId: client.id,
    scopes: scopes.length === 0 ? ['read', 'write'] : scopes,
    // A token whose lifetime nobody asked for may expire all the same: long ones do.
    expiresInSeconds: access ?? (settings.longTokens ? 1800 : null),
    refreshExpiresInSeconds: lifetimes.refresh ?? REFRESH_DEFAULT,
    hasRefreshToken: !settings.omitRefreshToken,
    isLong: settings.longTokens,
  }
  const grant = grants.addGrant(wanted)
  return {
    status: settings.tokenStatus,
    headers: { 'Cache-Control': 'no-store' },
    body: tokenJson(grant, settings.omitExpiresIn ? null : access, wanted),
  }
}

function tokenJson(
  grant: Grant,
  expiresIn: number | null,
  wanted: NewGrant,
): Record<string, unknown> {
  const json: Record<string, unknown> = {
    access_token: grant.accessToken,
    token_type: 'bearer',
    scope: grant.scopes.join(' '),
  }
  if (grant.refreshToken !== null) {
    json['refresh_token'] = grant.refreshToken
    json['refresh_token_expires_in'] = wanted.refreshExpiresInSeconds
  }
  if (expiresIn !== null) json['expires_in'] = expiresIn
  return json
}

/** `null` when a lifetime is outside its bounds. */
function lifetimesOf(form: Readonly<Record<string, unknown>>): Lifetimes | null {
  const access = secondsOf(form['expires_in'], ACCESS_BOUNDS)
  const refreshLife = secondsOf(form['refresh_token_expires_in'], REFRESH_BOUNDS)
  if (access === 'outside' || refreshLife === 'outside') return null
  return { access, refresh: refreshLife }
}

function secondsOf(value: unknown, bounds: readonly [number, number]): number | null | 'outside' {
  if (value === undefined || value === null || value === '') return null
  const seconds = Number(value)
  const isInside = Number.isInteger(seconds) && seconds > bounds[0] && seconds < bounds[1]
  return isInside ? seconds : 'outside'
}

function scopesOf(form: Readonly<Record<string, unknown>>, old: Grant | null): readonly string[] {
  const asked = typeof form['scope'] === 'string' ? form['scope'] : ''
  const scopes = asked.split(/\s+/).filter((scope) => scope !== '')
  return scopes.length === 0 && old !== null ? old.scopes : scopes
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isVerified(challenge: string | null, verifier: unknown): boolean {
  if (challenge === null) return true
  if (typeof verifier !== 'string' || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false
  return createHash('sha256').update(verifier).digest('base64url') === challenge
}

function refusal(error: keyof typeof DESCRIPTIONS): Answer {
  const isClient = error === 'invalid_client'
  return {
    status: isClient ? 401 : 400,
    headers: isClient ? { 'WWW-Authenticate': 'Basic realm="OAuth2 Token Endpoint"' } : {},
    body: { error, error_description: DESCRIPTIONS[error] },
  }
}
