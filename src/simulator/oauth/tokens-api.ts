import type { Answer, Call } from '../api/answer.ts'
import { noContent, notAuthenticated, ok, recordNotFound, scopeForbidden } from '../api/answer.ts'
import { isoSeconds } from '../world/clock.ts'
import { ADMIN_NUMBER, OAUTH_CLIENT_ID, userId } from '../world/ids.ts'
import type { Grant } from './grants.ts'

export function showCurrentToken(call: Call): Answer {
  return call.grant === null ? notAuthenticated : ok({ token: grantJson(call, call.grant) })
}

export function listTokens(call: Call): Answer {
  const living = call.account.grants.all().filter((grant) => !grant.isDead)
  const tokens = living.map((grant) => grantJson(call, grant))
  return ok({ tokens, next_page: null, previous_page: null, count: tokens.length })
}

/** Accounts have been seen that answer 204 here and leave the token alive. */
export function deleteCurrentToken(call: Call): Answer {
  const refusal = refusalOf(call)
  if (refusal !== null) return refusal
  if (call.grant !== null && !call.account.settings.revokeCurrentDoesNothing) {
    call.grant.isDead = true
  }
  return noContent
}

export function deleteToken(call: Call): Answer {
  const refusal = refusalOf(call)
  if (refusal !== null) return refusal
  const grant = call.account.grants.byId(Number(call.params[0]))
  if (grant === null) return recordNotFound
  grant.isDead = true
  return noContent
}

function refusalOf(call: Call): Answer | null {
  const mayWrite = call.grant?.scopes.includes('write') === true
  return call.account.settings.revokeNeedsWrite && !mayWrite ? scopeForbidden('write') : null
}

/** Tokens are shown by their first ten characters only. */
function grantJson(call: Call, grant: Grant): Record<string, unknown> {
  const at = (ms: number | null): string | null =>
    ms === null ? null : isoSeconds(Math.floor(ms / 1000))
  return {
    id: grant.id,
    url: `${call.base}/api/v2/oauth/tokens/${grant.id}.json`,
    client_id: OAUTH_CLIENT_ID,
    user_id: userId(ADMIN_NUMBER),
    scopes: grant.scopes,
    token: grant.accessToken.slice(0, 10),
    refresh_token: grant.refreshToken?.slice(0, 10) ?? null,
    created_at: at(grant.createdAt),
    used_at: at(grant.usedAt),
    expires_at: at(grant.expiresAt),
    refresh_token_expires_at: at(grant.refreshExpiresAt),
  }
}
