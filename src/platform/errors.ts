import type { WebhookProblem } from '../../db/schema.ts'
import type { Bound } from './held-time.ts'

/**
 * What the one who reads an error has to do. `wait`: come back at `resumeAt`, nothing failed.
 * `retry`: try again with backoff. `skip`: record it and go on. `halt`: stop and tell a person.
 */
export type Remedy = 'wait' | 'retry' | 'skip' | 'halt'

export type ErrorCode =
  | 'ERR_CONFIG'
  | 'ERR_DATABASE'
  | 'ERR_REQUEST'
  | 'ERR_CREDENTIAL'
  | 'ERR_BUDGET_SPENT'
  | 'ERR_ZENDESK_UNAVAILABLE'
  | 'ERR_ZENDESK_REFUSED'
  | 'ERR_ZENDESK_SHAPE'
  | 'ERR_WEBHOOK_REFUSED'
  | 'ERR_TICKET_UNREADABLE'
  | 'ERR_LEASE_LOST'
  | 'ERR_PURGE_UNDER_WAY'
  | 'ERR_SINK_UNAVAILABLE'
  | 'ERR_SINK_REFUSED'

/** Why an integration stands in `errored`; the codes that people see in `error.code`. */
export type IntegrationErrorCode =
  | 'credentials_revoked'
  | 'refresh_token_missing'
  | 'refresh_token_expired'
  | 'role_insufficient'
  | 'scope_insufficient'
  | 'client_rejected'
  | 'account_changed'
  | 'zendesk_shape'

/** Base of all expected errors. Messages are shown to people: no body, secret or address in them. */
export abstract class AppError extends Error {
  abstract readonly code: ErrorCode
  abstract readonly remedy: Remedy
}

/** The environment or the command line is wrong; one line a mistake. */
export class ConfigError extends AppError {
  override readonly name = 'ConfigError'
  readonly code = 'ERR_CONFIG'
  readonly remedy = 'halt'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map((line) => `  ${line}`).join('\n')}`)
    this.problems = problems
  }
}

/** The database cannot be reached or is not migrated. */
export class DatabaseError extends AppError {
  override readonly name = 'DatabaseError'
  readonly code = 'ERR_DATABASE'
  readonly remedy = 'halt'
}

/** A request of a person or program that cannot be answered; `publicCode` and the message go out. */
export class RequestError extends AppError {
  override readonly name = 'RequestError'
  readonly code = 'ERR_REQUEST'
  readonly remedy = 'skip'
  readonly status: number
  readonly publicCode: string
  readonly details: readonly string[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly headers: Readonly<Record<string, string>>
  constructor(
    status: number,
    publicCode: string,
    message: string,
    options: {
      details?: readonly string[]
      retryAfterSeconds?: number
      headers?: Readonly<Record<string, string>>
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.status = status
    this.publicCode = publicCode
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    this.headers = options.headers ?? {}
  }
}

/** Our budget is spent or the account asked for silence: not an attempt, not an alarm. */
export class BudgetSpentError extends AppError {
  override readonly name = 'BudgetSpentError'
  readonly code = 'ERR_BUDGET_SPENT'
  readonly remedy = 'wait'
  readonly resumeAt: Date
  readonly boundedBy: Bound
  constructor(message: string, resumeAt: Date, boundedBy: Bound = 'zendesk_limit') {
    super(message)
    this.resumeAt = resumeAt
    this.boundedBy = boundedBy
  }
}

/** Network, timeout, 5xx, or an answer that is no JSON: worth another try. */
export class ZendeskUnavailableError extends AppError {
  override readonly name = 'ZendeskUnavailableError'
  readonly code = 'ERR_ZENDESK_UNAVAILABLE'
  readonly remedy = 'retry'
  readonly status: number | undefined
  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause })
    this.status = status
  }
}

/** Zendesk refuses our credentials or our request; the integration stops with this reason. */
export class ZendeskRefusedError extends AppError {
  override readonly name = 'ZendeskRefusedError'
  readonly code = 'ERR_ZENDESK_REFUSED'
  readonly remedy = 'halt'
  readonly integrationError: IntegrationErrorCode
  constructor(integrationError: IntegrationErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.integrationError = integrationError
  }
}

/**
 * Zendesk does not let us make or keep our webhook. Hints are a convenience: the integration goes on
 * without them.
 */
export class WebhookRefusedError extends AppError {
  override readonly name = 'WebhookRefusedError'
  readonly code = 'ERR_WEBHOOK_REFUSED'
  readonly remedy = 'skip'
  readonly problem: WebhookProblem
  constructor(problem: WebhookProblem, cause?: unknown) {
    super(`Zendesk refuses what was asked about our webhook (${problem})`, { cause })
    this.problem = problem
  }
}

/** An answer lacks what we need: the cursor must not move past it. */
export class ZendeskShapeError extends AppError {
  override readonly name = 'ZendeskShapeError'
  readonly code = 'ERR_ZENDESK_SHAPE'
  readonly remedy = 'halt'
  readonly integrationError = 'zendesk_shape' satisfies IntegrationErrorCode
  /** Whether it is our cursor that Zendesk refuses: starting again from an instant may help. */
  readonly refusesCursor: boolean
  constructor(message: string, { refusesCursor = false } = {}) {
    super(message)
    this.refusesCursor = refusesCursor
  }
}

/** One ticket cannot be made into a transcript; it is set aside with this reason. */
export class TicketUnreadableError extends AppError {
  override readonly name = 'TicketUnreadableError'
  readonly code = 'ERR_TICKET_UNREADABLE'
  readonly remedy = 'skip'
}

/** Another worker took the integration over: nothing more of this run may be committed. */
export class LeaseLostError extends AppError {
  override readonly name = 'LeaseLostError'
  readonly code = 'ERR_LEASE_LOST'
  readonly remedy = 'skip'
}

/** What an earlier connection of the account has published is being taken back: that ends first. */
export class PurgeUnderWayError extends AppError {
  override readonly name = 'PurgeUnderWayError'
  readonly code = 'ERR_PURGE_UNDER_WAY'
  readonly remedy = 'retry'
}

/**
 * A stored secret cannot be opened with the keys at hand: those of this process may be older or newer
 * than those of the one that sealed it, which another process or the next start mends.
 */
export class CredentialError extends AppError {
  override readonly name = 'CredentialError'
  readonly code = 'ERR_CREDENTIAL'
  readonly remedy = 'retry'
}

/** A receiver of publications is down or slow. */
export class SinkUnavailableError extends AppError {
  override readonly name = 'SinkUnavailableError'
  readonly code = 'ERR_SINK_UNAVAILABLE'
  readonly remedy = 'retry'
}

/** A receiver of publications says no. */
export class SinkRefusedError extends AppError {
  override readonly name = 'SinkRefusedError'
  readonly code = 'ERR_SINK_REFUSED'
  readonly remedy = 'skip'
}
