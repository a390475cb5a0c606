import type { TokenGrant } from '../credential/credential.ts'
import type { IntegrationId, TicketId } from '../ids.ts'
import { ZendeskShapeError } from '../platform/errors.ts'
import type { HeldMs } from '../platform/held-time.ts'
import { AccountClient, type ZendeskDeps } from './account/account-client.ts'
import { readStaff, usersPath } from './answers/authors.ts'
import { type EventsWanted, readEventsPage } from './answers/events-client.ts'
import {
  readShownTicket,
  readShownTickets,
  showManyPath,
  showPath,
} from './answers/shown-tickets.ts'
import {
  CommentCollection,
  type CommentsPosition,
  assertEnds,
  blameTicket,
  commentsPath,
  nextPosition,
  readCommentsPage,
} from './comments.ts'
import { isTooLarge } from './http/failure.ts'
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
import type {
  ExportedTicket,
  Newcomer,
  TicketComments,
  TicketEventPage,
  TicketPage,
  ZendeskAccount,
} from './types.ts'
import { WebhookClient } from './webhooks/webhook-client.ts'

/** A page of a thousand tickets takes Zendesk most of a minute on a bad day, then it gives up itself. */
const EXPORT_TIMEOUT_MS = 70_000

/**
 * The gateway: everything that this service wants from Zendesk, and the only code that knows how
 * Zendesk says it. Requests go out under the shared budget with a living token; what comes back is
 * checked and is either of our own types or an error that says what to do. Private comments end here.
 */
export class ZendeskClient {
  readonly #account: AccountClient
  readonly webhooks: WebhookClient

  constructor(deps: ZendeskDeps) {
    const account = new AccountClient(deps)
    this.#account = account
    this.webhooks = new WebhookClient((...asked) => account.call(...asked))
  }

  /** One page of the ticket export, from a cursor or, the first time, from an instant. */
  async exportTickets(
    account: ZendeskAccount,
    from: ExportPosition,
    options: {
      readonly pageSize: number
      readonly signal: AbortSignal
      /** Told of each page that was too large, with what is asked for instead. */
      readonly onSmaller?: (pageSize: number) => void
    },
  ): Promise<TicketPage> {
    let pageSize = boundedPageSize(options.pageSize)
    for (let repeats = 0; repeats <= MOST_REPEATS; repeats++) {
      const outcome = await this.#account.call(account, 'incremental', {
        path: () => exportPath(from, pageSize, Date.now()),
        timeoutMs: EXPORT_TIMEOUT_MS,
        signal: options.signal,
        shrink: (error) => {
          const smaller = isTooLarge(error) ? smallerPage(pageSize) : pageSize
          const isSmaller = smaller < pageSize
          pageSize = smaller
          if (isSmaller) options.onSmaller?.(smaller)
          return isSmaller
        },
      })
      const page = readTicketPage(outcome, from, { pageSize, nowMs: Date.now() })
      if (!isRepeated(page, from)) return page
    }
    throw new ZendeskShapeError(
      'ticket export: the cursor does not move although the stream has not ended',
    )
  }

  /** One page of what happened to tickets, from an instant. */
  exportEvents(account: ZendeskAccount, at: Date, wanted: EventsWanted): Promise<TicketEventPage> {
    return readEventsPage((call) => this.#account.call(account, 'incremental', call), at, wanted)
  }

  /** Who of these users, at most `USERS_AT_ONCE`, answers for the account. */
  async showStaff(
    account: ZendeskAccount,
    userIds: readonly number[],
    options: { readonly signal: AbortSignal },
  ): Promise<ReadonlySet<number>> {
    const path = (): string => usersPath(userIds)
    return readStaff(await this.#account.call(account, 'account', { path, ...options }))
  }

  /** The rows of these tickets, at most `SHOWN_AT_ONCE`; what Zendesk does not have is left out. */
  async showTickets(
    account: ZendeskAccount,
    ticketIds: readonly TicketId[],
    options: { readonly signal: AbortSignal },
  ): Promise<ExportedTicket[]> {
    const path = (): string => showManyPath(ticketIds)
    const outcome = await this.#account.call(account, 'account', { path, ...options })
    return readShownTickets(outcome, Date.now())
  }

  /** The row of one ticket; null if Zendesk has no such ticket (any more). */
  async showTicket(
    account: ZendeskAccount,
    ticketId: TicketId,
    options: { readonly signal: AbortSignal },
  ): Promise<ExportedTicket | null> {
    const path = (): string => showPath(ticketId)
    const outcome = await this.#account.call(account, 'account', { path, ...options })
    return readShownTicket(outcome, ticketId, Date.now())
  }

  /** All comments of a ticket; null if Zendesk has no such ticket (any more). */
  async listComments(
    account: ZendeskAccount,
    ticketId: TicketId,
    options: { readonly signal: AbortSignal },
  ): Promise<TicketComments | null> {
    const comments = new CommentCollection(ticketId)
    let position: CommentsPosition | null = { kind: 'first' }
    const asked = new Set<string>()
    let repeats = 0
    while (position !== null) {
      const path = commentsPath(ticketId, position)
      if (asked.has(path)) repeats += 1
      assertEnds(ticketId, { pages: asked.size, repeats })
      asked.add(path)
      const outcome = await this.#account
        .call(account, 'comments', {
          path: () => path,
          signal: options.signal,
        })
        .catch((error: unknown) => blameTicket(ticketId, error))
      const page = readCommentsPage(outcome, ticketId)
      if (page === null) return null
      comments.add(page)
      position = nextPosition(page, position, ticketId)
    }
    return comments.result()
  }

  /** Trades the code of a consent for tokens. A code works once, so this is tried once. */
  exchangeCode(
    newcomer: Newcomer,
    exchange: CodeExchange,
    signal: AbortSignal,
  ): Promise<TokenGrant> {
    return this.#account.exchangeCode(newcomer, exchange, signal)
  }

  /** Tries a new token before it is stored: its user must be allowed to read incremental exports. */
  async probe(
    newcomer: Newcomer,
    accessToken: string,
    signal: AbortSignal,
  ): Promise<{ userId: number }> {
    const userId = await this.#account.userOf(newcomer, accessToken, signal)
    const from = { startAt: new Date() }
    const path = (): string => exportPath(from, 1, Date.now())
    const call = { path, signal }
    assertExportable(await this.#account.callWith(accessToken, newcomer, 'incremental', call), from)
    return { userId }
  }

  /** Replaces the tokens of an account although they are not due; then it says who it is. */
  renewToken(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    return this.#account.renewToken(account, signal)
  }

  /** Takes the tokens of an account back at Zendesk. Those that it refuses already need no more. */
  revoke(account: ZendeskAccount, signal: AbortSignal): Promise<void> {
    return this.#account.revoke(account, signal)
  }

  /** The same for tokens that were never stored. */
  revokeToken(newcomer: Newcomer, accessToken: string, signal: AbortSignal): Promise<void> {
    return this.#account.revokeToken(newcomer, accessToken, signal)
  }

  /**
   * Stores how many requests were sent for an integration since this was last done, and answers it
   * by family. Whoever has used the gateway does this in the end; what a killed process had not
   * stored is lost.
   */
  storeRequestCounts(integrationId: IntegrationId): Promise<Record<string, number>> {
    return this.#account.storeRequestCounts(integrationId)
  }

  /** In all, how long the limits of an account have held requests back in this process. */
  heldMs(account: ZendeskAccount): HeldMs {
    return this.#account.heldMs(account)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#account[Symbol.asyncDispose]()
  }
}
