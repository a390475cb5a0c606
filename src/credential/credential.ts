import { DateTime } from 'luxon'

/** What Zendesk gives for a code or a refresh token. Nothing of it may be logged. */
export interface TokenGrant {
  readonly accessToken: string
  /** Null: an account of before refresh tokens; the access token lives until it is revoked. */
  readonly refreshToken: string | null
  readonly scope: string
  /** The OAuth client that it was given to; no other one can refresh it. */
  readonly clientId: string
  readonly expiresAt: DateTime | null
  readonly refreshExpiresAt: DateTime | null
}

export interface Credential extends TokenGrant {
  readonly refreshedAt: DateTime
  /** Set while a refresh is under way, and left behind by one of which nobody knows how it ended. */
  readonly refreshStartedAt: DateTime | null
}

/**
 * So much before its end a token is replaced; a short-lived one in the second half of its life, so
 * that what was sent with it has time to arrive.
 */
const LARGEST_LEAD_MS = 5 * 60_000
const LEAD_SHARE = 0.5

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

/** Milliseconds since the epoch at which the access token ends; infinity: when it is revoked. */
export function endsMs({ expiresAt }: TokenGrant): number {
  return expiresAt?.toMillis() ?? Infinity
}

/**
 * A refresh token that nobody used for so long is renewed for its own sake where Zendesk did not say
 * when it ends: well within the thirty days that are its default.
 */
const UNKNOWN_LIFE = { days: 14 }

/** Half of the refresh token's life; null: there is nothing to renew. */
export function renewalDue(grant: TokenGrant, refreshedAt: DateTime): Date | null {
  if (grant.refreshToken === null) return null
  const endMs = (grant.refreshExpiresAt ?? refreshedAt.plus(UNKNOWN_LIFE)).toMillis()
  return DateTime.fromMillis((refreshedAt.toMillis() + endMs) / 2).toJSDate()
}
