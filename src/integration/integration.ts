import type { DateTime } from 'luxon'
import type { IntegrationStatus } from '../../db/schema.ts'
import type { IntegrationId, Subdomain, WorkspaceId } from '../ids.ts'
import type { IntegrationErrorCode } from '../platform/errors.ts'

/** One workspace's connection to one Zendesk account. */
export interface Integration {
  readonly id: IntegrationId
  readonly workspaceId: WorkspaceId
  readonly subdomain: Subdomain
  readonly status: IntegrationStatus
  readonly statusSince: DateTime
  readonly error: IntegrationError | null
  readonly zendeskUserId: number | null
  /** When consent was last given; `null` until it was given once. */
  readonly connectedAt: DateTime | null
  /** Which version of the workspace's filters its stored tickets were held against. */
  readonly filtersVersion: number
  /** Until then everything that has changed is read at the comments endpoint. */
  readonly carefulUntil: DateTime | null
  readonly createdAt: DateTime
}

export interface IntegrationError {
  readonly code: IntegrationErrorCode
  readonly message: string
}

/** Whether a person has to consent again before anything can be read. */
export function needsReconnect({ error, connectedAt }: Integration): boolean {
  if (error === null || error.code === 'zendesk_shape') return false
  // What was connected before goes on by itself as soon as Zendesk accepts our client.
  return error.code !== 'client_rejected' || connectedAt === null
}

/** The next step out of an error, in words for the one who reads it. */
export function actionFor(code: IntegrationErrorCode): string {
  switch (code) {
    case 'credentials_revoked':
    case 'refresh_token_missing':
    case 'refresh_token_expired':
      return 'reconnect the account: an administrator of it has to allow access again'
    case 'role_insufficient':
      return 'reconnect the account as one of its administrators'
    case 'scope_insufficient':
      return 'allow the scope in ZENDESK_SCOPE for the OAuth client, then reconnect the account'
    case 'client_rejected':
      return 'correct ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET and start the service again: what was connected goes on by itself, what was not needs a new link'
    case 'account_changed':
      return 'if the account was renamed, connect it under its new subdomain; if this is the right account, reconnect it, and reading goes on where it stopped'
    case 'zendesk_shape':
      return 'update this service, for Zendesk answers in a form that it does not know; then reconnect the account, and reading goes on where it stopped'
    default:
      return code satisfies never
  }
}
