import type { Integration, IntegrationError } from '../integration/integration.ts'
import {
  BudgetSpentError,
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../platform/errors.ts'
import type { Failure } from './outcome.ts'

/** What a person is told of an error; `undefined` if it is none of Zendesk's. */
export function failureFrom(error: unknown): Failure | undefined {
  if (error instanceof ZendeskUnavailableError || error instanceof BudgetSpentError) {
    return 'zendesk_unavailable'
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'zendesk_unavailable'
  if (error instanceof ZendeskShapeError) return 'zendesk_shape'
  if (!(error instanceof ZendeskRefusedError)) return undefined
  switch (error.integrationError) {
    case 'client_rejected':
    case 'role_insufficient':
    case 'scope_insufficient':
    case 'refresh_token_missing':
      return error.integrationError
    case 'credentials_revoked':
      return 'code_refused'
    case 'refresh_token_expired':
    case 'account_changed':
    case 'zendesk_shape':
      return 'zendesk_unavailable'
    default:
      return error.integrationError satisfies never
  }
}

/** Reasons that another click does not mend, and whether a stored token suffers that is refreshed. */
const lasting: ReadonlyMap<IntegrationErrorCode, { readonly hitsStored: boolean }> = new Map([
  ['client_rejected', { hitsStored: true }],
  ['role_insufficient', { hitsStored: false }],
  ['scope_insufficient', { hitsStored: false }],
  ['refresh_token_missing', { hitsStored: false }],
])

/**
 * The error that a failed consent leaves behind on the integration. One that works is only taken
 * down by what its stored credential suffers from as well, and not because somebody without rights
 * tried to renew the consent. A token that lives until it is revoked suffers from nothing.
 */
export function lastingError(
  {
    status,
    isRefreshed,
  }: { readonly status: Integration['status']; readonly isRefreshed: boolean },
  error: unknown,
): IntegrationError | undefined {
  if (!(error instanceof ZendeskRefusedError)) return undefined
  const reason = lasting.get(error.integrationError)
  const works = status === 'active' || status === 'paused'
  if (reason === undefined || (works && !(reason.hitsStored && isRefreshed))) return undefined
  return { code: error.integrationError, message: error.message }
}
