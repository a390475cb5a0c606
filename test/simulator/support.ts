import { createHash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { AccountOptions, SimulatorOptions } from '../../src/simulator/options.ts'
import type { Simulator } from '../../src/simulator/start.ts'
import { startSimulator } from '../../src/simulator/start.ts'

export type Json = Record<string, unknown>

export const REDIRECT = 'http://localhost:3000/callback'
export const VERIFIER = 'a-verifier-of-the-right-length-is-at-least-43-letters'
export const CLIENT = { client_id: 'hearflow', client_secret: 'simulator-client-secret' }

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Json
}

/** One account of a running simulator, and the calls a connected service makes to it. */
export interface Desk {
  readonly simulator: Simulator
  readonly base: string
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Reply>
  readonly send: (method: string, path: string, body?: unknown) => Promise<Reply>
}

export const UNLIMITED = { rates: { account: null, incremental: null } } as const

/** A simulator with one account named `acme`, which ends with the test. */
export async function simulatorWith(
  t: ExecutionContext,
  account: Partial<AccountOptions> = {},
  options: Omit<SimulatorOptions, 'accounts'> = {},
): Promise<Simulator> {
  const simulator = await startSimulator({
    ...options,
    accounts: [{ subdomain: 'acme', tickets: 200, ...account }],
  })
  t.teardown(async () => simulator[Symbol.asyncDispose]())
  return simulator
}

/** The same, connected: requests carry a token with the scopes `read write` that never expires. */
export async function deskWith(
  t: ExecutionContext,
  account: Partial<AccountOptions> = {},
  options: Omit<SimulatorOptions, 'accounts'> = {},
): Promise<Desk> {
  const simulator = await simulatorWith(t, { settings: UNLIMITED, ...account }, options)
  const base = `${simulator.url}/acme`
  // Without a lifetime the token outlives a clock that a test moves by months.
  const { json } = await exchange(base, await codeFor(base), { expires_in: undefined })
  const token = String(json['access_token'])
  const bearer = { Authorization: `Bearer ${token}` }
  return {
    simulator,
    base,
    get: async (path, headers) => request(`${base}${path}`, { headers: { ...bearer, ...headers } }),
    send: async (method, path, body) =>
      request(`${base}${path}`, {
        method,
        headers: { ...bearer, 'Content-Type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      }),
  }
}

export async function request(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  const parsed = isJson && isWhole(text) ? (JSON.parse(text) as Json) : {}
  return { status: response.status, headers: response.headers, text, json: parsed }
}

export function authorizeUrl(base: string, changes: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT.client_id,
    redirect_uri: REDIRECT,
    scope: 'read write',
    state: 'state-1',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  })
  return `${base}/oauth/authorizations/new?${query.toString()}`
}

export async function codeFor(base: string, changes: Record<string, string> = {}): Promise<string> {
  const { headers } = await request(authorizeUrl(base, changes))
  return new URL(headers.get('location') ?? '').searchParams.get('code') ?? ''
}

export async function postToken(base: string, form: Json): Promise<Reply> {
  return request(`${base}/oauth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...CLIENT, ...form }),
  })
}

export async function exchange(base: string, code: string, changes: Json = {}): Promise<Reply> {
  return postToken(base, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    scope: 'read write',
    expires_in: 86_400,
    refresh_token_expires_in: 2_592_000,
    ...changes,
  })
}

export async function refresh(
  base: string,
  refreshToken: unknown,
  changes: Json = {},
): Promise<Reply> {
  return postToken(base, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    expires_in: 86_400,
    refresh_token_expires_in: 2_592_000,
    ...changes,
  })
}

export async function tokensFor(base: string): Promise<Json> {
  return (await exchange(base, await codeFor(base))).json
}

export const rowsOf = (json: Json, list: string): readonly Json[] => json[list] as readonly Json[]

/** All rows of the cursor export, page after page. */
export async function* exportOf(desk: Desk, query: string): AsyncIterable<Json> {
  let next = `start_time=0&${query}`
  for (;;) {
    const { json } = await desk.get(`/api/v2/incremental/tickets/cursor.json?${next}`)
    yield* rowsOf(json, 'tickets')
    if (json['end_of_stream'] === true) return
    next = `cursor=${encodeURIComponent(String(json['after_cursor']))}&${query}`
  }
}

/** All comments of a ticket by cursor. */
export async function commentsOf(desk: Desk, ticketId: unknown, size = 100): Promise<Json[]> {
  const comments: Json[] = []
  let after = ''
  for (;;) {
    const path = `/api/v2/tickets/${String(ticketId)}/comments?page[size]=${size}${after}`
    const { json } = await desk.get(path)
    comments.push(...rowsOf(json, 'comments'))
    const meta = json['meta'] as Json
    if (meta['has_more'] !== true) return comments
    after = `&page[after]=${encodeURIComponent(String(meta['after_cursor']))}`
  }
}

function isWhole(text: string): boolean {
  return text.trimEnd().endsWith('}')
}
