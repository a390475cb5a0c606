import {
  BudgetSpentError,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import { pause } from '../platform/lifecycle.ts'
import type { Family } from './budget/family.ts'
import { readLimits } from './budget/headers.ts'
import type { Permits, Spender } from './budget/permit-store.ts'
import { accountAddress } from './http/address.ts'
import type { HttpClient } from './http/client.ts'
import { type HttpAnswer, type Reading, readResponse } from './http/read-response.ts'
import { PATIENCE_MS, TRIES, TRIES_OF_404, backoffMs, retryAfterMs } from './http/retry.ts'
import type { GivenToken } from './tokens/client.ts'

export interface CallDeps {
  readonly http: HttpClient
  readonly permits: Permits
  readonly urlTemplate: string
  readonly minuteMs: number
}

/** Gives the token of a call, another one if the last was refused. */
export type TokenSource = (refused: string | undefined) => Promise<GivenToken>

export interface Call {
  readonly spender: Spender
  readonly token: TokenSource
  readonly family: Family
  readonly method?: 'GET' | 'DELETE'
  /** Asked before each try. */
  readonly path: () => string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly logFields: Readonly<Record<string, string>>
  readonly onSend?: () => void
  /** Makes the next try smaller where that may help, and says whether it did. */
  readonly shrink?: (error: ZendeskUnavailableError) => boolean
}

/** What a call comes back with; everything else is tried again or thrown. */
export type Outcome = Extract<Reading, { kind: 'answered' | 'forbidden' | 'missing' | 'invalid' }>

/** More than a token that was rotated away and the one after it that was, too. */
const MOST_REFUSALS = 4

/**
 * One call of the API, from the permit to an answer that means something. What passes (a lost
 * connection, a 5xx, a cut body) is tried again with growing pauses; a limit is waited for, or
 * thrown as `BudgetSpentError` when the wait is long; a refused token is replaced once. Patience is
 * bounded, and nothing of ours is changed before the call is over.
 */
export async function callOnce(deps: CallDeps, call: Call): Promise<Outcome> {
  const state: CallState = { failures: 0, lostMs: 0, refusals: 0, refused: undefined }
  for (;;) {
    await deps.permits.take(call.spender, call.family, call.signal)
    const triedAt = performance.now()
    const { reading, headers } = await tryOnce(deps, call, state)
    switch (reading.kind) {
      case 'unavailable':
        await backOff(deps, call, state, { error: reading.error, triedAt })
        break
      case 'limited':
        await obeyLimit(deps, call, state, { isAccountWide: reading.isAccountWide, headers })
        break
      case 'token refused':
        countRefusal(state)
        break
      case 'failed':
        throw reading.error
      case 'answered':
      case 'forbidden':
      case 'missing':
      case 'invalid':
        return reading
    }
    call.signal.throwIfAborted()
  }
}

/** What a call has been through so far. */
interface CallState {
  failures: number
  lostMs: number
  refusals: number
  /** The token that Zendesk did not take, until it has taken another. */
  refused: string | undefined
}

interface Tried {
  readonly reading: Reading
  readonly headers: HttpAnswer['headers']
}

async function tryOnce(deps: CallDeps, call: Call, state: CallState): Promise<Tried> {
  try {
    const { accessToken, wasRefreshed } = await call.token(state.refused)
    // A token that is refused although it is new will not get better by another refresh.
    if (wasRefreshed && state.refused !== undefined) state.refusals = MOST_REFUSALS - 1
    call.onSend?.()
    const answer = await deps.http.send({
      base: accountAddress(deps.urlTemplate, call.spender.subdomain),
      path: call.path(),
      token: accessToken,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
      logFields: call.logFields,
      ...(call.method !== undefined && { method: call.method }),
    })
    await deps.permits.learn(call.spender.subdomain, readLimits(answer.headers, call.family))
    const reading = readResponse(answer)
    state.refused = reading.kind === 'token refused' ? accessToken : undefined
    return { reading, headers: answer.headers }
  } catch (error) {
    if (!(error instanceof ZendeskUnavailableError)) throw error
    return { reading: { kind: 'unavailable', error }, headers: {} }
  }
}

async function backOff(
  deps: CallDeps,
  call: Call,
  state: CallState,
  { error, triedAt }: { readonly error: ZendeskUnavailableError; readonly triedAt: number },
): Promise<void> {
  // What is asked for in smaller pieces is another question, and ends when it cannot be smaller.
  const isSmaller = call.shrink?.(error) === true
  if (!isSmaller) {
    state.failures += 1
    state.lostMs += performance.now() - triedAt
  }
  const pauseMs = backoffMs(Math.max(1, state.failures), Math.random(), deps.minuteMs)
  const tries = error.status === 404 ? TRIES_OF_404 : TRIES
  if (state.failures >= tries || state.lostMs + pauseMs > PATIENCE_MS) throw error
  state.lostMs += pauseMs
  await pause(pauseMs, call.signal)
}

/** Tells all workers; the wait is that for the permit of the next try. */
async function obeyLimit(
  deps: CallDeps,
  call: Call,
  state: CallState,
  limit: { readonly isAccountWide: boolean; readonly headers: HttpAnswer['headers'] },
): Promise<void> {
  state.failures += 1
  const { subdomain } = call.spender
  const now = Date.now()
  const asked = retryAfterMs(limit.headers['retry-after'], now, deps.minuteMs)
  const waitMs = asked + backoffMs(state.failures, Math.random(), deps.minuteMs)
  const family = limit.isAccountWide ? 'account' : call.family
  await deps.permits.block(subdomain, family, waitMs)
  if (state.failures < TRIES) return
  throw new BudgetSpentError(
    `the Zendesk account ${subdomain} asks to wait again and again`,
    new Date(now + waitMs),
  )
}

function countRefusal(state: CallState): void {
  state.refusals += 1
  if (state.refusals < MOST_REFUSALS) return
  throw new ZendeskRefusedError(
    'credentials_revoked',
    'Zendesk no longer accepts the access token, not even a new one: connect the account again',
  )
}
