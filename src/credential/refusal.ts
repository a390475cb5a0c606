import type { IntegrationId } from '../ids.ts'
import type { Integration } from '../integration/integration.ts'
import {
  BudgetSpentError,
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import type { Credential } from './credential.ts'

/** Reasons for which the stored pair is known to be dead, or must not be shown to whoever answers. */
const WITHOUT_HOPE = new Set<IntegrationErrorCode>([
  'credentials_revoked',
  'refresh_token_missing',
  'refresh_token_expired',
  'account_changed',
])

/** Whether the failure says nothing about the tokens. */
export function isTransient(error: unknown): boolean {
  return error instanceof ZendeskUnavailableError || error instanceof BudgetSpentError
}

/**
 * Whether Zendesk has said that it did not trade the pair. A 5xx does not say that: a gateway may
 * give up on a refresh that works; neither does silence, whoever kept it.
 */
export function isDeclined(error: unknown): boolean {
  if (error instanceof BudgetSpentError) return true
  if (!(error instanceof ZendeskRefusedError)) return false
  const { integrationError } = error
  return integrationError === 'client_rejected' || integrationError === 'scope_insufficient'
}

/** Why the pair is not even sent; undefined if it may be. */
export function refusalBefore(
  integration: Pick<Integration, 'status' | 'error'> | undefined,
  credential: Pick<Credential, 'refreshToken' | 'clientId'>,
  asked: { readonly clientId: string; readonly isProbe: boolean },
): ZendeskRefusedError | undefined {
  if (integration === undefined || integration.status === 'disconnected') {
    return new ZendeskRefusedError('credentials_revoked', 'the integration was disconnected')
  }
  const { error } = integration
  const isKnown =
    error !== null &&
    (WITHOUT_HOPE.has(error.code) || (error.code === 'client_rejected' && !asked.isProbe))
  if (isKnown) return new ZendeskRefusedError(error.code, error.message)
  if (credential.refreshToken === null) return withoutRefreshToken()
  if (credential.clientId === asked.clientId) return undefined
  return new ZendeskRefusedError(
    'client_rejected',
    'the tokens were given to another OAuth client than that of ZENDESK_CLIENT_ID, and only that one can refresh them: put its id and secret back, or connect the account again',
  )
}

/** Says of a refused pair what is known about it besides. */
export function explainRefusal(
  error: unknown,
  { refreshExpiresAt }: Credential,
  { wasCutShort, nowMs }: { readonly wasCutShort: boolean; readonly nowMs: number },
): unknown {
  const isDead =
    error instanceof ZendeskRefusedError && error.integrationError === 'credentials_revoked'
  if (!isDead) return error
  if (refreshExpiresAt !== null && refreshExpiresAt.toMillis() <= nowMs) {
    return new ZendeskRefusedError(
      'refresh_token_expired',
      'the refresh token was not used within its life: connect the account again',
      error,
    )
  }
  if (!wasCutShort) return error
  return new ZendeskRefusedError(
    'credentials_revoked',
    'an earlier refresh was cut short and the new tokens were lost: connect the account again',
    error,
  )
}

export function withoutRefreshToken(): ZendeskRefusedError {
  return new ZendeskRefusedError(
    'credentials_revoked',
    'Zendesk no longer accepts the access token, which came without a refresh token: connect the account again',
  )
}

export function noCredential(integrationId: IntegrationId): ZendeskRefusedError {
  return new ZendeskRefusedError(
    'credentials_revoked',
    `integration ${integrationId} has no stored credential: connect the account again`,
  )
}
