import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { TokenGrant } from '../credential/credential.ts'
import type { IntegrationId, Subdomain, TicketId } from '../ids.ts'
import type { Config } from '../platform/config.ts'
import { ZendeskRefusedError, ZendeskShapeError } from '../platform/errors.ts'
import type { Family } from './budget/family.ts'
import { Permits, WITHOUT_SHARE } from './budget/permit-store.ts'
import { type Call, type CallDeps, type Outcome, type TokenSource, callOnce } from './call-once.ts'
import {
  CommentCollection,
  type CommentsPosition,
  assertEnds,
  blameTicket,
  commentsPath,
  isSamePosition,
  nextPosition,
  readCommentsPage,
} from './comments.ts'
import { HttpClient } from './http/client.ts'
import { isTooLarge } from './http/failure.ts'
import { RequestCounts } from './http/request-counts.ts'
import type { CodeExchange } from './oauth.ts'
import {
  type ExportPosition,
  MOST_REPEATS,
  assertExportable,
  boundedPageSize,
  exportPath,
  isRepeated,
  readTicketPage,
  smallerPage,
} from './tickets.ts'
import { TokenClient } from './tokens/client.ts'
import { isWithoutToken, readRevocation, readTokenId, readUserId } from './tokens/identity.ts'
import type { TicketComments, TicketPage, ZendeskAccount } from './types.ts'

/** A page of a thousand tickets takes Zendesk most of a minute on a bad day, then it gives up itself. */
const EXPORT_TIMEOUT_MS = 70_000
const TIMEOUT_MS = 30_000

export interface ZendeskDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/**
 * The gateway: everything that this service wants from Zendesk, and the only code that knows how
 * Zendesk says it. Requests go out under the shared budget with a living token; what comes back is
 * checked and is either of our own types or an error that says what to do. Private comments end here.
 */
export class ZendeskClient {
  readonly #http = new HttpClient()
  readonly #counts = new RequestCounts()
  readonly #tokens: TokenClient
  readonly #callDeps: CallDeps

  constructor({ db, config }: ZendeskDeps) {
    this.#tokens = new TokenClient({ db, config, http: this.#http, counts: this.#counts })
    const { urlTemplate, minuteMs } = config.zendesk
    const permits = new Permits(db, minuteMs)
    this.#callDeps = { http: this.#http, permits, urlTemplate, minuteMs }
  }

  /** One page of the ticket export, from a cursor or, the first time, from an instant. */
  async exportTickets(
    account: ZendeskAccount,
    from: ExportPosition,
    options: { readonly pageSize: number; readonly signal: AbortSignal },
  ): Promise<TicketPage> {
    let pageSize = boundedPageSize(options.pageSize)
    for (let repeats = 0; repeats <= MOST_REPEATS; repeats++) {
      const outcome = await this.#call(this.#caller(account), 'incremental', {
        path: () => exportPath(from, pageSize, Date.now()),
        timeoutMs: EXPORT_TIMEOUT_MS,
        signal: options.signal,
        shrink: (error) => {
          const smaller = isTooLarge(error) ? smallerPage(pageSize) : pageSize
          const isSmaller = smaller < pageSize
          pageSize = smaller
          return isSmaller
        },
      })
      const page = readTicketPage(outcome, from, pageSize)
      if (!isRepeated(page, from)) return page
    }
    throw new ZendeskShapeError(
      'ticket export: the cursor does not move although the stream has not ended',
    )
  }

  /** All comments of a ticket; null if Zendesk has no such ticket (any more). */
  async listComments(
    account: ZendeskAccount,
    ticketId: TicketId,
    options: { readonly signal: AbortSignal },
  ): Promise<TicketComments | null> {
    const caller = this.#caller(account)
    const comments = new CommentCollection(ticketId)
    let position: CommentsPosition | null = { kind: 'first' }
    const asked = { pages: 0, repeats: 0 }
    while (position !== null) {
      assertEnds(ticketId, asked)
      const path = commentsPath(ticketId, position)
      const outcome = await this.#call(caller, 'account', {
        path: () => path,
        signal: options.signal,
      }).catch((error: unknown) => blameTicket(ticketId, error))
      const page = readCommentsPage(outcome, ticketId)
      if (page === null) return null
      comments.add(page)
      const next = nextPosition(page, position, ticketId)
      asked[isSamePosition(next, position) ? 'repeats' : 'pages'] += 1
      position = next
    }
    return comments.result()
  }

  /** Trades the code of a consent for tokens. A code works once, so this is tried once. */
  exchangeCode(
    subdomain: Subdomain,
    exchange: CodeExchange,
    signal: AbortSignal,
  ): Promise<TokenGrant> {
    return this.#tokens.exchangeCode(subdomain, exchange, signal)
  }

  /** Tries a new token before it is stored: its user must be allowed to read incremental exports. */
  async probe(
    subdomain: Subdomain,
    accessToken: string,
    signal: AbortSignal,
  ): Promise<{ userId: number }> {
    const caller = this.#newcomer(subdomain, accessToken)
    const me = await this.#call(caller, 'account', { path: () => '/api/v2/users/me.json', signal })
    const userId = readUserId(me)
    const from = { startAt: new Date() }
    const path = (): string => exportPath(from, 1, Date.now())
    assertExportable(await this.#call(caller, 'incremental', { path, signal }), from)
    return { userId }
  }

  /** Takes the tokens of an account back at Zendesk. Those that it refuses already need no more. */
  revoke(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    return this.#revoke(this.#caller(account), signal)
  }

  /** The same for tokens that were never stored. */
  revokeToken(subdomain: Subdomain, accessToken: string, signal: AbortSignal): Promise<void> {
    return this.#revoke(this.#newcomer(subdomain, accessToken), signal)
  }

  /** Requests sent for an integration since this was last asked, by family. */
  takeRequestCounts(integrationId: IntegrationId): Record<string, number> {
    return this.#counts.take(integrationId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]()
  }

  async #revoke(caller: Caller, signal: AbortSignal): Promise<void> {
    try {
      const current = (): string => '/api/v2/oauth/tokens/current.json'
      const id = readTokenId(await this.#call(caller, 'account', { path: current, signal }))
      // By id: the form without one has been seen to answer 204 and to revoke nothing.
      const path = (): string => `/api/v2/oauth/tokens/${id}.json`
      readRevocation(await this.#call(caller, 'account', { method: 'DELETE', path, signal }))
    } catch (error) {
      if (!isWithoutToken(error)) throw error
    }
  }

  #call(
    caller: Caller,
    family: Family,
    call: Pick<Call, 'path' | 'signal'> & Partial<Call>,
  ): Promise<Outcome> {
    return callOnce(this.#callDeps, {
      timeoutMs: TIMEOUT_MS,
      ...call,
      spender: caller.spender,
      token: caller.token,
      family,
      logFields: { ...caller.logFields, family },
      onSend: () => caller.onSend?.(family),
    })
  }

  #caller(account: ZendeskAccount): Caller {
    const { integrationId } = account
    return {
      spender: account,
      token: (refused) => this.#tokens.get(account, refused),
      logFields: { integrationId },
      onSend: (family) => this.#counts.add(integrationId, family),
    }
  }

  #newcomer(subdomain: Subdomain, accessToken: string): Caller {
    return {
      spender: { subdomain, quotaShare: WITHOUT_SHARE },
      token: onlyToken(accessToken),
      logFields: { subdomain },
    }
  }
}

/** On whose behalf a request goes out. */
interface Caller extends Pick<Call, 'spender' | 'token' | 'logFields'> {
  readonly onSend?: (family: Family) => void
}

/** For a token that is not stored: there is no other to take its place. */
function onlyToken(accessToken: string): TokenSource {
  return (refused) => {
    if (refused === undefined) return Promise.resolve({ accessToken, wasRefreshed: false })
    const message = 'Zendesk does not accept the new token: connect the account again'
    return Promise.reject(new ZendeskRefusedError('credentials_revoked', message))
  }
}
