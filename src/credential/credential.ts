import type { DateTime } from 'luxon'

/** What Zendesk gives for a code or a refresh token. Nothing of it may be logged. */
export interface TokenGrant {
  readonly accessToken: string
  /** Null: an account of before refresh tokens; the access token lives until it is revoked. */
  readonly refreshToken: string | null
  readonly scope: string
  readonly expiresAt: DateTime | null
  readonly refreshExpiresAt: DateTime | null
}

export interface Credential extends TokenGrant {
  readonly refreshedAt: DateTime
  /** Set while a refresh is under way, and left behind by one that a crash cut short. */
  readonly refreshStartedAt: DateTime | null
}

/** So much before its end a token is replaced; a short-lived one in the last tenth of its life. */
const LARGEST_LEAD_MS = 5 * 60_000
const LEAD_SHARE = 0.1

/** Milliseconds since the epoch from which the access token is to be replaced; for ever good: infinity. */
export function refreshDueMs(credential: Credential): number {
  if (credential.expiresAt === null || credential.refreshToken === null) return Infinity
  const expiresMs = credential.expiresAt.toMillis()
  const lifeMs = Math.max(0, expiresMs - credential.refreshedAt.toMillis())
  return expiresMs - Math.min(LARGEST_LEAD_MS, lifeMs * LEAD_SHARE)
}

/** Whether the access token must be replaced: it is due, or it is the one that was just refused. */
export function needsRefresh(
  credential: Credential,
  nowMs: number,
  refused: string | undefined,
): boolean {
  return credential.accessToken === refused || refreshDueMs(credential) <= nowMs
}
