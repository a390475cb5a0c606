import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import { type TokenGrant, refreshDueMs } from '../../credential/credential.ts'
import { EXCHANGE_TIMEOUT_MS, freshCredential } from '../../credential/refresh-once.ts'
import type { IntegrationId, Subdomain } from '../../ids.ts'
import type { Config } from '../../platform/config.ts'
import { accountAddress } from '../http/address.ts'
import type { HttpClient } from '../http/client.ts'
import type { RequestCounts } from '../http/request-counts.ts'
import {
  type Asked,
  type CodeExchange,
  clientOf,
  codeGrantBody,
  readTokenAnswer,
  refreshGrantBody,
} from '../oauth.ts'
import type { ZendeskAccount } from '../types.ts'

/** How long a token is used without a look at the row: another worker may have replaced it. */
const HOLD_MS = 30_000

export interface GivenToken {
  readonly accessToken: string
  readonly wasRefreshed: boolean
}

interface HeldToken {
  readonly accessToken: string
  readonly untilMs: number
}

export interface TokenDeps {
  readonly db: Kysely<Database>
  readonly config: Config
  readonly http: HttpClient
  readonly counts: RequestCounts
}

/**
 * Gives each integration's access token to those who send requests, and talks to the token endpoint.
 * All requests of one integration that need a new token at the same time wait for one refresh.
 */
export class TokenClient {
  readonly #deps: TokenDeps
  readonly #held = new Map<IntegrationId, HeldToken>()
  readonly #underWay = new Map<IntegrationId, Promise<GivenToken>>()

  constructor(deps: TokenDeps) {
    this.#deps = deps
  }

  /**
   * A token to use now: the stored one, or one from a refresh that is due. If Zendesk has refused a
   * token it is named, and another one comes back: stored meanwhile by another worker, or refreshed.
   */
  async get(account: ZendeskAccount, refused?: string): Promise<GivenToken> {
    const held = this.#held.get(account.integrationId)
    if (held !== undefined && Date.now() < held.untilMs && held.accessToken !== refused) {
      return { accessToken: held.accessToken, wasRefreshed: false }
    }
    const renewed = await this.#renew(account, refused)
    // A look at the row that began before the refusal may have come back with the refused token.
    const isStale = renewed.accessToken === refused
    return isStale ? this.#renew(account, refused) : renewed
  }

  exchangeCode(
    subdomain: Subdomain,
    exchange: CodeExchange,
    signal: AbortSignal,
  ): Promise<TokenGrant> {
    const { config } = this.#deps
    const { scope, minuteMs } = config.zendesk
    const body = codeGrantBody(clientOf(config), exchange, scope)
    const asked = { grantType: 'authorization_code', scope, minuteMs } as const
    return this.#ask(subdomain, body, asked, { logFields: { family: 'oauth', subdomain }, signal })
  }

  #renew(account: ZendeskAccount, refused: string | undefined): Promise<GivenToken> {
    const id = account.integrationId
    const underWay = this.#underWay.get(id)
    if (underWay !== undefined) return underWay
    const renewed = this.#load(account, refused).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, renewed)
    return renewed
  }

  async #load(account: ZendeskAccount, refused: string | undefined): Promise<GivenToken> {
    const { db, config } = this.#deps
    this.#held.delete(account.integrationId)
    const deps = {
      db,
      keys: config.secrets.encryptionKeys,
      exchange: (refreshToken: string, scope: string) =>
        this.#refresh(account, refreshToken, scope),
    }
    const { credential, wasRefreshed } = await freshCredential(deps, account.integrationId, refused)
    const { accessToken } = credential
    const untilMs = Math.min(refreshDueMs(credential), Date.now() + HOLD_MS)
    this.#held.set(account.integrationId, { accessToken, untilMs })
    return { accessToken, wasRefreshed }
  }

  /** Without a signal: a stopping worker waits for this answer, which cannot be had twice. */
  #refresh(account: ZendeskAccount, refreshToken: string, scope: string): Promise<TokenGrant> {
    const { config, counts } = this.#deps
    const { integrationId, subdomain } = account
    const { minuteMs } = config.zendesk
    counts.add(integrationId, 'oauth')
    const body = refreshGrantBody(clientOf(config), refreshToken, scope)
    const asked = { grantType: 'refresh_token', scope, minuteMs } as const
    return this.#ask(subdomain, body, asked, { logFields: { family: 'oauth', integrationId } })
  }

  async #ask(
    subdomain: Subdomain,
    json: object,
    asked: Omit<Asked, 'at'>,
    options: { logFields: Record<string, string>; signal?: AbortSignal },
  ): Promise<TokenGrant> {
    const at = DateTime.utc()
    const answer = await this.#deps.http.send({
      method: 'POST',
      base: accountAddress(this.#deps.config.zendesk.urlTemplate, subdomain),
      path: '/oauth/tokens',
      json,
      timeoutMs: EXCHANGE_TIMEOUT_MS,
      ...options,
    })
    return readTokenAnswer(answer, { ...asked, at })
  }
}
