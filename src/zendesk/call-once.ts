import {
  BudgetSpentError,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import { pause } from '../platform/lifecycle.ts'
import type { Family } from './budget/family.ts'
import { isLimitOfEndpoint, readLimits } from './budget/headers.ts'
import type { Permit } from './budget/line-store.ts'
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
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Asked before each try. */
  readonly path: () => string
  readonly json?: object
  /** It may have worked although nobody knows: whoever repeats it must look first. */
  readonly isTriedOnce?: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly logFields: Readonly<Record<string, string>>
  /** Called as a request goes out; what comes back, when it has ended. */
  readonly onSend?: () => () => void
  readonly onEnd?: (status: number) => void
  /** What an answer means, where that is not what it means everywhere. */
  readonly read?: (answer: HttpAnswer) => Reading
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
  const state: CallState = {
    failures: 0,
    lostMs: 0,
    refusals: 0,
    wasMissing: false,
    refused: undefined,
  }
  for (;;) {
    const permit = await deps.permits.take(call.spender, call.family, call.signal)
    const triedAt = performance.now()
    const { reading, headers } = await tryOnce(deps, call, state, permit)
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
      case 'missing':
        if (!isSurprising(call, state)) return reading
        await pause(backoffMs(1, Math.random(), deps.minuteMs), call.signal)
        break
      case 'answered':
      case 'forbidden':
      case 'invalid':
        return reading
    }
    call.signal.throwIfAborted()
  }
}

/**
 * That something is gone takes a transcript back, so it is believed when it is said twice. What is
 * to be deleted may be gone by our own first try.
 */
function isSurprising({ method }: Call, state: CallState): boolean {
  const isFirst = !state.wasMissing
  state.wasMissing = true
  return isFirst && method !== 'DELETE'
}

/** Errors over which a call has lost its patience: a call that waited for it does not begin anew. */
const givenUp = new WeakSet<ZendeskUnavailableError>()

/** What a call has been through so far. */
interface CallState {
  failures: number
  lostMs: number
  refusals: number
  wasMissing: boolean
  /** The token that Zendesk did not take, until it has taken another. */
  refused: string | undefined
}

interface Tried {
  readonly reading: Reading
  readonly headers: HttpAnswer['headers']
}

async function tryOnce(
  deps: CallDeps,
  call: Call,
  state: CallState,
  permit: Permit,
): Promise<Tried> {
  let end: (() => void) | undefined
  let hasToken = false
  try {
    let given = await call.token(state.refused)
    // A token that is refused although it is new will not get better by another refresh.
    if (given.wasRefreshed && state.refused !== undefined) state.refusals = MOST_REFUSALS - 1
    // Waiting for a token takes long at times; what comes late would count in another minute.
    if (performance.now() > permit.usableUntil) {
      await deps.permits.take(call.spender, call.family, call.signal)
      // Nothing may be waited for between a token and its request: it may have become unusable.
      given = await call.token(state.refused)
    }
    const { accessToken } = given
    hasToken = true
    const sentAt = performance.now()
    end = call.onSend?.()
    const answer = await deps.http.send({
      base: accountAddress(deps.urlTemplate, call.spender.subdomain),
      path: call.path(),
      token: accessToken,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
      logFields: call.logFields,
      ...(call.onEnd !== undefined && { onEnd: call.onEnd }),
      ...(call.method !== undefined && { method: call.method }),
      ...(call.json !== undefined && { json: call.json }),
    })
    const told = readLimits(answer.headers, call.family)
    await deps.permits.learn(call.spender.subdomain, told, sentAt)
    const reading = (call.read ?? readResponse)(answer)
    state.refused = reading.kind === 'token refused' ? accessToken : undefined
    return { reading, headers: answer.headers }
  } catch (error) {
    if (!(error instanceof ZendeskUnavailableError)) throw error
    const unavailable = hasToken ? error : withoutToken(error)
    if (givenUp.has(unavailable)) throw unavailable
    return { reading: { kind: 'unavailable', error: unavailable }, headers: {} }
  } finally {
    end?.()
  }
}

/**
 * The status of the token endpoint, or of the question whose token it is, says nothing of what was to
 * be asked with the token: no ticket is to blame for it, and no page is too large.
 */
function withoutToken(cause: ZendeskUnavailableError): ZendeskUnavailableError {
  const error = new ZendeskUnavailableError(cause.message, undefined, cause)
  if (givenUp.has(cause)) givenUp.add(error)
  return error
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
  const tries = call.isTriedOnce === true ? 1 : error.status === 404 ? TRIES_OF_404 : TRIES
  if (state.failures >= tries || state.lostMs + pauseMs > PATIENCE_MS) {
    givenUp.add(error)
    throw error
  }
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
  const told = readLimits(limit.headers, call.family)
  const isOfEndpoint = isLimitOfEndpoint(told, call.family, limit.isAccountWide)
  const family = isOfEndpoint ? call.family : 'account'
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
