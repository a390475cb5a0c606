import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import { type TokenGrant, endsMs, refreshDueMs } from '../../credential/credential.ts'
import {
  EXCHANGE_TIMEOUT_MS,
  type RefreshDeps,
  freshCredential,
  renewCredential,
} from '../../credential/refresh-once.ts'
import type { IntegrationId } from '../../ids.ts'
import type { Config } from '../../platform/config/config.ts'
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
import type { Newcomer, ZendeskAccount } from '../types.ts'
import { InFlight } from './in-flight.ts'

/**
 * How long a token is used without a look at the row: it may have been replaced or destroyed. A
 * shortened minute, which only a simulator has, shortens it alike.
 */
const HOLD_MINUTES = 0.5

/** A refresh waits no longer than this, and than the old token lives, for what was sent with it. */
const LONGEST_QUIET_MS = 30_000

export interface GivenToken {
  readonly accessToken: string
  readonly wasRefreshed: boolean
}

interface HeldToken {
  readonly accessToken: string
  readonly untilMs: number
  readonly dueMs: number
  readonly endsMs: number
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
  /** By the account object: whoever reads the integration's row again also reads the token's. */
  readonly #held = new WeakMap<ZendeskAccount, HeldToken>()
  readonly #inFlight = new WeakMap<ZendeskAccount, InFlight>()
  readonly #underWay = new Map<IntegrationId, Promise<GivenToken>>()

  constructor(deps: TokenDeps) {
    this.#deps = deps
  }

  /**
   * A token to use now: the stored one, or one from a refresh that is due. If Zendesk has refused a
   * token it is named, and another one comes back: stored meanwhile by another worker, or refreshed.
   */
  async get(account: ZendeskAccount, refused?: string): Promise<GivenToken> {
    const held = this.#held.get(account)
    if (held !== undefined && Date.now() < held.untilMs && held.accessToken !== refused) {
      return { accessToken: held.accessToken, wasRefreshed: false }
    }
    const renewed = await this.#renew(account, refused)
    // A look at the row that began before the refusal may have come back with the refused token.
    const isStale = renewed.accessToken === refused
    return isStale ? this.#renew(account, refused) : renewed
  }

  /** Says that a request goes out with the token of this account; what comes back, that it ended. */
  begin(account: ZendeskAccount): () => void {
    return this.#inFlightOf(account).begin()
  }

  /** Replaces a pair that nobody has used for long, or that could not be refreshed before. */
  async renew(account: ZendeskAccount): Promise<void> {
    await renewCredential(this.#refreshDeps(account), account.integrationId)
  }

  exchangeCode(
    newcomer: Newcomer,
    exchange: CodeExchange,
    signal: AbortSignal,
  ): Promise<TokenGrant> {
    const { config } = this.#deps
    const { scope, minuteMs } = config.zendesk
    const client = clientOf(config)
    const body = codeGrantBody(client, exchange, scope)
    const clientId = client.client_id
    const asked = { grantType: 'authorization_code', clientId, scope, minuteMs } as const
    return this.#ask(newcomer, body, asked, signal)
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
    const held = this.#held.get(account)
    this.#held.delete(account)
    if (held !== undefined && refused === undefined) await this.#quiet(account, held)
    const holdUntilMs = Date.now() + HOLD_MINUTES * this.#deps.config.zendesk.minuteMs
    const { credential, wasRefreshed, useUntilMs } = await freshCredential(
      this.#refreshDeps(account),
      account.integrationId,
      refused,
    )
    const { accessToken } = credential
    this.#held.set(account, {
      accessToken,
      untilMs: Math.min(useUntilMs, holdUntilMs),
      dueMs: refreshDueMs(credential),
      endsMs: endsMs(credential),
    })
    return { accessToken, wasRefreshed }
  }

  /** A refresh ahead of time kills a token that works: what was sent with it may come to its end. */
  async #quiet(account: ZendeskAccount, { dueMs, endsMs: endMs }: HeldToken): Promise<void> {
    const nowMs = Date.now()
    if (dueMs > nowMs || endMs <= nowMs) return
    const patience = new AbortController()
    const { signal } = patience
    const longest = sleep(Math.min(LONGEST_QUIET_MS, endMs - nowMs), undefined, { signal })
    await Promise.race([this.#inFlightOf(account).ended(), longest.catch(() => {})])
    patience.abort()
  }

  #inFlightOf(account: ZendeskAccount): InFlight {
    const known = this.#inFlight.get(account) ?? new InFlight()
    this.#inFlight.set(account, known)
    return known
  }

  #refreshDeps(account: ZendeskAccount): RefreshDeps {
    const { db, config } = this.#deps
    return {
      db,
      keys: config.secrets.encryptionKeys,
      clientId: clientOf(config).client_id,
      exchange: (refreshToken, scope) => this.#refresh(account, refreshToken, scope),
    }
  }

  /** Without a signal: a stopping worker waits for this answer, which cannot be had twice. */
  #refresh(account: ZendeskAccount, refreshToken: string, scope: string): Promise<TokenGrant> {
    const { config } = this.#deps
    const { minuteMs } = config.zendesk
    const client = clientOf(config)
    const body = refreshGrantBody(client, refreshToken, scope)
    const clientId = client.client_id
    const asked = { grantType: 'refresh_token', clientId, scope, minuteMs } as const
    return this.#ask(account, body, asked)
  }

  async #ask(
    { integrationId, subdomain }: Newcomer,
    json: object,
    asked: Omit<Asked, 'at'>,
    signal?: AbortSignal,
  ): Promise<TokenGrant> {
    const { config, counts, http } = this.#deps
    const at = DateTime.utc()
    const answer = await http.send({
      method: 'POST',
      base: accountAddress(config.zendesk.urlTemplate, subdomain),
      path: '/oauth/tokens',
      json,
      timeoutMs: EXCHANGE_TIMEOUT_MS,
      logFields: { integrationId, family: 'oauth' },
      onEnd: (status) => counts.add(integrationId, 'oauth', status),
      ...(signal !== undefined && { signal }),
    })
    return readTokenAnswer(answer, { ...asked, at })
  }
}
