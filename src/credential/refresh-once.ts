import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely, Transaction } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { findIntegration } from '../integration/store.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'
import {
  type Credential,
  type TokenGrant,
  endsMs,
  needsRefresh,
  refreshDueMs,
} from './credential.ts'
import {
  boundWaits,
  clearRefreshStarted,
  lockRefresh,
  markRefreshStarted,
  unlockRefresh,
} from './intent-store.ts'
import {
  explainRefusal,
  isDeclined,
  isTransient,
  noCredential,
  refusalBefore,
  withoutRefreshToken,
} from './refusal.ts'
import { lockCredential, readCredential, saveCredential } from './store.ts'

export interface RefreshDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
  /** The OAuth client that we are: what was given to another one is not sent. */
  readonly clientId: string
  /** Trades a refresh token for a new pair, or throws, within `EXCHANGE_TIMEOUT_MS`. */
  readonly exchange: (refreshToken: string, scope: string) => Promise<TokenGrant>
}

/**
 * The most that the exchange may take. It is shorter than the wait for the row lock, so that a worker
 * in line outlives the one in front of it, and than the grace of a shutdown: a refresh that is cut
 * off loses the only pair that works.
 */
export const EXCHANGE_TIMEOUT_MS = 15_000

/** So long a token that lives is used on after a refresh ahead of its end has failed. */
const NEXT_TRY_MS = 20_000

/** How often, and how far apart, storing a pair is tried again whose commit failed. */
const RESCUE_TRIES = 3
const RESCUE_PAUSE_MS = 1_000

export interface UsableToken {
  readonly credential: Credential
  readonly wasRefreshed: boolean
  /** Milliseconds since the epoch from which the vault is to be asked again. */
  readonly useUntilMs: number
}

/** What is wanted of a refresh. */
interface Wanted {
  /** The access token that is to be replaced although it is not due. */
  readonly refused: string | undefined
  /** Whether Zendesk is asked although it has rejected our client for this integration. */
  readonly isProbe: boolean
}

/**
 * An access token that can be used now. In comes, if Zendesk has just refused a token, that one; out
 * comes another. A refresh kills both old tokens at once and its own token works once, so it happens
 * once over all workers: whoever holds the row's lock asks, the others wait and read what it stored.
 * A refresh that is only due ahead of time and cannot be had just now costs nothing: the token that
 * still lives is used on.
 */
export async function freshCredential(
  deps: RefreshDeps,
  integrationId: IntegrationId,
  refused?: string,
): Promise<UsableToken> {
  const stored = await readCredential(deps.db, deps.keys, integrationId)
  if (stored === undefined) throw noCredential(integrationId)
  if (!needsRefresh(stored, Date.now(), refused)) return asStored(stored)
  try {
    return await refreshOnce(deps, integrationId, { refused, isProbe: false })
  } catch (error) {
    const lives = stored.accessToken !== refused && endsMs(stored) > Date.now()
    if (!lives || !isTransient(error)) throw error
    const useUntilMs = Math.min(endsMs(stored), Date.now() + NEXT_TRY_MS)
    return { credential: stored, wasRefreshed: false, useUntilMs }
  }
}

/** Replaces the pair whatever its age, also where our client was rejected: that may have ended. */
export async function renewCredential(
  deps: RefreshDeps,
  integrationId: IntegrationId,
): Promise<UsableToken> {
  const stored = await readCredential(deps.db, deps.keys, integrationId)
  if (stored === undefined) throw noCredential(integrationId)
  return refreshOnce(deps, integrationId, { refused: stored.accessToken, isProbe: true })
}

/**
 * Two transactions on one session that keeps everybody else from this pair. The first one commits the
 * intent; in the second one the request goes out while the row is locked: the one place where this
 * service waits for a network inside of a transaction, for the lock has to outlast the answer.
 *
 * A crash before the intent leaves nothing behind. After it, the pair is sent once more by whoever
 * needs it next: if Zendesk never got the first request, that is the refresh; if it did, the new
 * pair is lost, the answer is a refusal, and the intent in the row tells why.
 */
async function refreshOnce(
  deps: RefreshDeps,
  integrationId: IntegrationId,
  wanted: Wanted,
): Promise<UsableToken> {
  const kept: { answered?: Answered } = {}
  try {
    return await deps.db.connection().execute(async (session) => {
      try {
        const intent = await session
          .transaction()
          .execute((trx) => declare(deps, trx, { integrationId, wanted }))
        if (intent.kind === 'not needed') return asStored(intent.credential)
        const terms = { integrationId, wanted, wasCutShort: intent.wasCutShort, kept }
        const traded = await session.transaction().execute((trx) => trade(deps, trx, terms))
        if (traded.kind === 'declined') throw traded.error
        return traded.usable
      } finally {
        // Where this fails the session has ended, and its lock with it.
        await unlockRefresh(session, integrationId).catch(() => {})
      }
    })
  } catch (error) {
    if (kept.answered === undefined) throw error
    return rescue(deps, integrationId, kept.answered, error)
  }
}

interface Declaration {
  readonly integrationId: IntegrationId
  readonly wanted: Wanted
}

type Intent =
  | { readonly kind: 'not needed'; readonly credential: Credential }
  | { readonly kind: 'declared'; readonly wasCutShort: boolean }

async function declare(
  deps: RefreshDeps,
  trx: Transaction<Database>,
  { integrationId, wanted }: Declaration,
): Promise<Intent> {
  await boundWaits(trx)
  await lockRefresh(trx, integrationId)
  const credential = await lockCredential(trx, deps.keys, integrationId)
  if (credential === undefined) throw noCredential(integrationId)
  if (!needsRefresh(credential, Date.now(), wanted.refused)) {
    return { kind: 'not needed', credential }
  }
  const integration = await findIntegration(trx, integrationId)
  const refusal = refusalBefore(integration, credential, { ...wanted, clientId: deps.clientId })
  if (refusal !== undefined) throw refusal
  await markRefreshStarted(trx, integrationId)
  return { kind: 'declared', wasCutShort: credential.refreshStartedAt !== null }
}

/** A pair that Zendesk has given, and the instant of the pair that it took away for it. */
interface Answered {
  readonly grant: TokenGrant
  readonly replaces: DateTime
}

interface Trade extends Declaration {
  readonly wasCutShort: boolean
  /** Where the new pair is kept until its commit is known to have worked. */
  readonly kept: { answered?: Answered }
}

type Traded =
  | { readonly kind: 'usable'; readonly usable: UsableToken }
  | { readonly kind: 'declined'; readonly error: unknown }

async function trade(
  deps: RefreshDeps,
  trx: Transaction<Database>,
  { integrationId, wanted, wasCutShort, kept }: Trade,
): Promise<Traded> {
  await boundWaits(trx)
  const credential = await lockCredential(trx, deps.keys, integrationId)
  if (credential === undefined) throw noCredential(integrationId)
  // A consent that came in between has brought a pair that nobody has declared anything about.
  const isOther = credential.refreshStartedAt === null
  if (isOther || !needsRefresh(credential, Date.now(), wanted.refused)) {
    return { kind: 'usable', usable: asStored(credential) }
  }
  const { refreshToken, scope, refreshedAt } = credential
  if (refreshToken === null) throw withoutRefreshToken()
  try {
    kept.answered = { grant: await deps.exchange(refreshToken, scope), replaces: refreshedAt }
  } catch (error) {
    if (wasCutShort || !isDeclined(error)) {
      throw explainRefusal(error, credential, { wasCutShort, nowMs: Date.now() })
    }
    await clearRefreshStarted(trx, integrationId)
    return { kind: 'declined', error }
  }
  await saveCredential(trx, deps.keys, integrationId, kept.answered.grant)
  return { kind: 'usable', usable: asRefreshed(kept.answered.grant) }
}

/**
 * Zendesk has answered and the commit failed: the pair in our hands is the only one that works.
 * Stores it over another connection, unless another pair has been stored meanwhile.
 */
async function rescue(
  deps: RefreshDeps,
  integrationId: IntegrationId,
  { grant, replaces }: Answered,
  failure: unknown,
): Promise<UsableToken> {
  for (let attempt = 1; attempt <= RESCUE_TRIES; attempt++) {
    try {
      return await deps.db.transaction().execute(async (trx) => {
        const credential = await lockCredential(trx, deps.keys, integrationId)
        if (credential === undefined) throw noCredential(integrationId)
        const isOurs = credential.refreshedAt.toMillis() === replaces.toMillis()
        if (!isOurs) return { ...asStored(credential), wasRefreshed: true }
        await saveCredential(trx, deps.keys, integrationId, grant)
        return asRefreshed(grant)
      })
    } catch {
      // The first error says more than those of the attempts to mend it.
      await sleep(RESCUE_PAUSE_MS)
    }
  }
  throw failure
}

function asStored(credential: Credential): UsableToken {
  return { credential, wasRefreshed: false, useUntilMs: refreshDueMs(credential) }
}

function asRefreshed(grant: TokenGrant): UsableToken {
  const credential = { ...grant, refreshedAt: DateTime.utc(), refreshStartedAt: null }
  return { credential, wasRefreshed: true, useUntilMs: refreshDueMs(credential) }
}
