import { ZendeskRefusedError, ZendeskUnavailableError } from '../../platform/errors.ts'
import type { TokenSource } from '../call-once.ts'
import type { ZendeskAccount } from '../types.ts'
import type { GivenToken, TokenClient } from './client.ts'
import { otherIdentity } from './identity.ts'

/** So long an account is taken for whom it has shown itself to be: as long as a slice of a run. */
const CONFIRMED_MINUTES = 2

/** A token that ends before its account has answered is replaced so often, then this is an outage. */
const MOST_TOKENS = 3

export interface IdentityDeps {
  readonly tokens: TokenClient
  /** Asks the account, with a token of this source, whose the token is. */
  readonly ask: (
    account: ZendeskAccount,
    token: TokenSource,
    signal: AbortSignal,
  ) => Promise<number>
  readonly minuteMs: number
}

interface Known {
  /** The token under which the account has last shown that it is the right one, and until when. */
  confirmed: { readonly accessToken: string; readonly untilMs: number } | undefined
  underWay: Promise<string> | undefined
  /** The answer after which nothing more is sent. */
  changed: ZendeskRefusedError | undefined
}

/**
 * Gives tokens out for accounts that are still the ones that gave them. A subdomain can be given up
 * and taken by somebody else, so an account says who it is before anything else is asked of it: at
 * the start of a slice, after each refresh, and every two minutes. All requests that wait for that
 * share one answer. Once an account has changed, no token goes out for it any more, neither to the
 * API nor to be refreshed. What is known is kept with the account object, so that whoever reads the
 * integration's row again (after a new consent, or in the next slice) begins without it.
 */
export class IdentityClient {
  readonly #deps: IdentityDeps
  readonly #known = new WeakMap<ZendeskAccount, Known>()

  constructor(deps: IdentityDeps) {
    this.#deps = deps
  }

  /** Asks who the account is unless that is known; before a request takes a permit of its own. */
  async confirm(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    if (account.userId !== null && this.#confirmedToken(account) === undefined) {
      await this.#confirmOnce(account, signal)
    }
  }

  /** A token to send right now: whoever waits after this has to ask again. */
  async token(
    account: ZendeskAccount,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<GivenToken> {
    let wasRefreshed = false
    let confirmed = this.#confirmedToken(account)
    for (let tokens = 0; tokens < MOST_TOKENS; tokens++) {
      this.#assertUnchanged(account)
      const given = await this.#deps.tokens.get(account, refused)
      this.#assertUnchanged(account)
      wasRefreshed ||= given.wasRefreshed
      const isConfirmed = account.userId === null || given.accessToken === confirmed
      if (isConfirmed) return { ...given, wasRefreshed }
      confirmed = await this.#confirmOnce(account, signal)
    }
    throw new ZendeskUnavailableError('the access tokens end before Zendesk says whose they are')
  }

  /** Makes a call unless the account has changed; remembers of it that it found that out. */
  async watch<Value>(account: ZendeskAccount, call: () => Promise<Value>): Promise<Value> {
    this.#assertUnchanged(account)
    try {
      return await call()
    } catch (error) {
      const isChanged =
        error instanceof ZendeskRefusedError && error.integrationError === 'account_changed'
      if (isChanged) this.#knownOf(account).changed ??= error
      throw error
    }
  }

  #confirmOnce(account: ZendeskAccount, signal: AbortSignal): Promise<string> {
    const known = this.#knownOf(account)
    known.underWay ??= this.watch(account, () => this.#ask(account, signal)).finally(() => {
      known.underWay = undefined
    })
    return known.underWay
  }

  /** Answers the token that was used in the end. */
  async #ask(account: ZendeskAccount, signal: AbortSignal): Promise<string> {
    let accessToken = ''
    const token: TokenSource = async (refused) => {
      const given = await this.#deps.tokens.get(account, refused)
      accessToken = given.accessToken
      return given
    }
    const userId = await this.#deps.ask(account, token, signal)
    if (userId !== account.userId) throw otherIdentity(account.subdomain)
    const untilMs = performance.now() + CONFIRMED_MINUTES * this.#deps.minuteMs
    this.#knownOf(account).confirmed = { accessToken, untilMs }
    return accessToken
  }

  #confirmedToken(account: ZendeskAccount): string | undefined {
    const { confirmed } = this.#knownOf(account)
    return confirmed && performance.now() < confirmed.untilMs ? confirmed.accessToken : undefined
  }

  #assertUnchanged(account: ZendeskAccount): void {
    const { changed } = this.#knownOf(account)
    if (changed !== undefined) throw changed
  }

  #knownOf(account: ZendeskAccount): Known {
    const known = this.#known.get(account)
    if (known !== undefined) return known
    const unknown = { confirmed: undefined, underWay: undefined, changed: undefined }
    this.#known.set(account, unknown)
    return unknown
  }
}
