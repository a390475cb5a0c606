import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { TokenGrant } from '../../credential/credential.ts'
import type { IntegrationId } from '../../ids.ts'
import type { Config } from '../../platform/config/config.ts'
import { ZendeskRefusedError } from '../../platform/errors.ts'
import type { HeldMs } from '../../platform/held-time.ts'
import { zendeskLog as log } from '../../platform/log.ts'
import type { Family } from '../budget/family.ts'
import { Permits, WITHOUT_SHARE } from '../budget/permit-store.ts'
import { type Call, type CallDeps, type Outcome, type TokenSource, callOnce } from '../call-once.ts'
import { HttpClient } from '../http/client.ts'
import { addRequestCounts } from '../http/request-count-store.ts'
import { RequestCounts, byFamily } from '../http/request-counts.ts'
import type { CodeExchange } from '../oauth.ts'
import { TokenClient } from '../tokens/client.ts'
import { IdentityClient } from '../tokens/identity-client.ts'
import { ME_PATH, readMe, readUserId } from '../tokens/identity.ts'
import { revokeOnce } from '../tokens/revoke-once.ts'
import type { Newcomer, ZendeskAccount } from '../types.ts'

const TIMEOUT_MS = 30_000

export interface ZendeskDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** What is asked for; how it is sent is known here. */
export type Asked = Pick<Call, 'path' | 'signal'> & Partial<Call>

/** On whose behalf a request goes out. */
interface Caller extends Pick<Call, 'spender' | 'token' | 'onSend'> {
  readonly integrationId: IntegrationId
}

/**
 * Speaks with Zendesk on behalf of an integration, or of one that is about to be connected: with its
 * token, under its account's budget, to nobody else than the account that was connected. Counts every
 * request by family and status.
 */
export class AccountClient {
  readonly #db: Kysely<Database>
  readonly #http = new HttpClient()
  readonly #counts = new RequestCounts()
  readonly #tokens: TokenClient
  readonly #identities: IdentityClient
  readonly #callDeps: CallDeps

  constructor({ db, config }: ZendeskDeps) {
    this.#db = db
    const tokens = new TokenClient({ db, config, http: this.#http, counts: this.#counts })
    const { urlTemplate, minuteMs } = config.zendesk
    this.#tokens = tokens
    this.#identities = new IdentityClient({
      tokens,
      minuteMs,
      ask: (account, token, signal) => this.#askUserId(this.#callerOf(account, token), signal),
    })
    const permits = new Permits(db, minuteMs)
    this.#callDeps = { http: this.#http, permits, urlTemplate, minuteMs }
  }

  /** For an account that has shown that it is still the one that was connected. */
  call(account: ZendeskAccount, family: Family, call: Asked): Promise<Outcome> {
    const { signal } = call
    const token: TokenSource = (refused) => this.#identities.token(account, refused, signal)
    return this.#identities.watch(account, async () => {
      await this.#identities.confirm(account, signal)
      return this.#call(this.#callerOf(account, token), family, call)
    })
  }

  /** With a token that is not stored. */
  callWith(accessToken: string, newcomer: Newcomer, family: Family, call: Asked): Promise<Outcome> {
    return this.#call(newcomerOf(newcomer, accessToken), family, call)
  }

  /** The user behind a token that is not stored. */
  userOf(newcomer: Newcomer, accessToken: string, signal: AbortSignal): Promise<number> {
    return this.#askUserId(newcomerOf(newcomer, accessToken), signal)
  }

  exchangeCode(
    newcomer: Newcomer,
    exchange: CodeExchange,
    signal: AbortSignal,
  ): Promise<TokenGrant> {
    return this.#tokens.exchangeCode(newcomer, exchange, signal)
  }

  /** Replaces the tokens of an account although they are not due; then it says who it is. */
  renewToken(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    return this.#identities.watch(account, async () => {
      await this.#tokens.renew(account)
      await this.#identities.confirm(account, signal)
    })
  }

  revoke(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    return revokeOnce((call) => this.call(account, 'account', { ...call, signal }))
  }

  revokeToken(newcomer: Newcomer, accessToken: string, signal: AbortSignal): Promise<void> {
    const caller = newcomerOf(newcomer, accessToken)
    return revokeOnce((call) => this.#call(caller, 'account', { ...call, signal }))
  }

  /** Answers the counts by family. */
  async storeRequestCounts(integrationId: IntegrationId): Promise<Record<string, number>> {
    const counts = this.#counts.take(integrationId)
    try {
      await addRequestCounts(this.#db, integrationId, counts)
    } catch (error) {
      for (const { family, status, requests } of counts) {
        this.#counts.add(integrationId, family, status, requests)
      }
      throw error
    }
    return byFamily(counts)
  }

  heldMs(account: ZendeskAccount): HeldMs {
    return this.#callDeps.permits.heldMs(account)
  }

  /** Requests under way end first, and are counted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]()
    for (const integrationId of this.#counts.integrations()) {
      await this.storeRequestCounts(integrationId).catch((error: unknown) => {
        log.warn({ integrationId, err: error }, 'request counts could not be stored')
      })
    }
  }

  #call(caller: Caller, family: Family, call: Asked): Promise<Outcome> {
    const { integrationId, ...rest } = caller
    return callOnce(this.#callDeps, {
      timeoutMs: TIMEOUT_MS,
      ...call,
      ...rest,
      family,
      logFields: { integrationId, family },
      onEnd: (status) => this.#counts.add(integrationId, family, status),
    })
  }

  #callerOf(account: ZendeskAccount, token: TokenSource): Caller {
    const onSend = (): (() => void) => this.#tokens.begin(account)
    return { integrationId: account.integrationId, spender: account, token, onSend }
  }

  async #askUserId(caller: Caller, signal: AbortSignal): Promise<number> {
    const path = (): string => ME_PATH
    return readUserId(await this.#call(caller, 'account', { path, read: readMe, signal }))
  }
}

function newcomerOf({ integrationId, subdomain }: Newcomer, accessToken: string): Caller {
  const spender = { subdomain, quotaShare: WITHOUT_SHARE }
  return { integrationId, spender, token: onlyToken(accessToken) }
}

/** For a token that is not stored: there is no other to take its place. */
function onlyToken(accessToken: string): TokenSource {
  return (refused) => {
    if (refused === undefined) return Promise.resolve({ accessToken, wasRefreshed: false })
    const message = 'Zendesk does not accept the new token: connect the account again'
    return Promise.reject(new ZendeskRefusedError('credentials_revoked', message))
  }
}
