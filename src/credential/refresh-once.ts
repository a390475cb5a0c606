import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { ZendeskRefusedError } from '../platform/errors.ts'
import type { EncryptionKey } from '../platform/secrets.ts'
import { type Credential, type TokenGrant, needsRefresh } from './credential.ts'
import { lockCredential, markRefreshStarted, readCredential, saveCredential } from './store.ts'

export interface RefreshDeps {
  readonly db: Kysely<Database>
  readonly keys: readonly EncryptionKey[]
  /** Trades a refresh token for a new pair, or throws, within `EXCHANGE_TIMEOUT_MS`. */
  readonly exchange: (refreshToken: string, scope: string) => Promise<TokenGrant>
}

/**
 * The most that the exchange may take. It is shorter than the wait for the row lock, so that a worker
 * in line outlives the one in front of it, and than the grace of a shutdown: a refresh that is cut
 * off loses the only pair that works.
 */
export const EXCHANGE_TIMEOUT_MS = 15_000

/** How often, and how far apart, storing a pair is tried again whose commit failed. */
const RESCUE_TRIES = 3
const RESCUE_PAUSE_MS = 1_000

export interface UsableToken {
  readonly credential: Credential
  readonly wasRefreshed: boolean
}

/**
 * An access token that can be used now. In comes, if Zendesk has just refused a token, that one; out
 * comes another. A refresh kills both old tokens at once and its own token works once, so it happens
 * once over all workers: whoever holds the row's lock asks, the others wait and read what it stored.
 */
export async function freshCredential(
  deps: RefreshDeps,
  integrationId: IntegrationId,
  refused?: string,
): Promise<UsableToken> {
  const stored = await readCredential(deps.db, deps.keys, integrationId)
  if (stored === undefined) throw noCredential(integrationId)
  if (!needsRefresh(stored, Date.now(), refused)) return { credential: stored, wasRefreshed: false }
  return refreshOnce(deps, integrationId, stored, refused)
}

/**
 * The request goes out while the transaction holds the row: the one place where this service waits
 * for a network inside of one, for the lock has to outlast the answer. Nothing else is locked.
 */
async function refreshOnce(
  deps: RefreshDeps,
  integrationId: IntegrationId,
  seen: Credential,
  refused: string | undefined,
): Promise<UsableToken> {
  await markRefreshStarted(deps.db, integrationId, seen)
  let answered: Answered | undefined
  try {
    return await deps.db.transaction().execute(async (trx) => {
      // A holder that stopped without closing its connection must not lock the account out for ever.
      await sql`set local lock_timeout = '45s'`.execute(trx)
      await sql`set local idle_in_transaction_session_timeout = '30s'`.execute(trx)
      const credential = await lockCredential(trx, deps.keys, integrationId)
      if (credential === undefined) throw noCredential(integrationId)
      if (!needsRefresh(credential, Date.now(), refused)) return { credential, wasRefreshed: false }
      const grant = await exchange(deps, credential, seen.refreshStartedAt !== null)
      answered = { grant, replaces: credential.refreshedAt }
      await saveCredential(trx, deps.keys, integrationId, grant)
      return { credential: credentialOf(grant), wasRefreshed: true }
    })
  } catch (error) {
    if (answered === undefined) throw error
    return rescue(deps, integrationId, answered, error)
  }
}

/** A pair that Zendesk has given, and the instant of the pair that it took away for it. */
interface Answered {
  readonly grant: TokenGrant
  readonly replaces: DateTime
}

async function exchange(
  deps: RefreshDeps,
  { refreshToken, scope, refreshExpiresAt }: Credential,
  wasCutShort: boolean,
): Promise<TokenGrant> {
  if (refreshToken === null) {
    throw new ZendeskRefusedError(
      'credentials_revoked',
      'Zendesk no longer accepts the access token, which came without a refresh token: connect the account again',
    )
  }
  try {
    return await deps.exchange(refreshToken, scope)
  } catch (error) {
    if (!(error instanceof ZendeskRefusedError)) throw error
    if (error.integrationError !== 'credentials_revoked') throw error
    if (refreshExpiresAt !== null && refreshExpiresAt.toMillis() <= Date.now()) {
      throw new ZendeskRefusedError(
        'refresh_token_expired',
        'the refresh token was not used within its life: connect the account again',
        error,
      )
    }
    if (!wasCutShort) throw error
    throw new ZendeskRefusedError(
      'credentials_revoked',
      'an earlier refresh was cut short and the new tokens were lost: connect the account again',
      error,
    )
  }
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
        if (!isOurs) return { credential, wasRefreshed: true }
        await saveCredential(trx, deps.keys, integrationId, grant)
        return { credential: credentialOf(grant), wasRefreshed: true }
      })
    } catch {
      // The first error says more than those of the attempts to mend it.
      await sleep(RESCUE_PAUSE_MS)
    }
  }
  throw failure
}

function credentialOf(grant: TokenGrant): Credential {
  return { ...grant, refreshedAt: DateTime.utc(), refreshStartedAt: null }
}

function noCredential(integrationId: IntegrationId): ZendeskRefusedError {
  return new ZendeskRefusedError(
    'credentials_revoked',
    `integration ${integrationId} has no stored credential: connect the account again`,
  )
}
