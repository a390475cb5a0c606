import { createHash } from 'node:crypto'
import type { Clock } from '../world/clock.ts'

/** One pair of tokens. A rotation makes a new one and kills this one, both tokens at once. */
export interface Grant {
  readonly id: number
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly refreshExpiresAt: number | null
  usedAt: number
  isDead: boolean
}

export interface Code {
  readonly clientId: string
  readonly redirectUri: string
  readonly challenge: string | null
  readonly scopes: readonly string[]
  readonly expiresAt: number
  isUsed: boolean
}

/** What a test asks afterwards: was any token used twice, or after its death? */
export interface TokenUse {
  readonly codesIssued: number
  readonly grantsIssued: number
  readonly grantsAlive: number
  readonly refreshes: number
  /** Distinct refresh tokens sent more than once. */
  readonly refreshTokensUsedTwice: number
  /** Most often that one refresh token was sent. */
  readonly mostUsesOfOneRefreshToken: number
  /** Distinct tokens sent after they were rotated away, revoked or expired. */
  readonly deadRefreshTokensUsed: number
  readonly deadAccessTokensUsed: number
  /** How often that happened to access tokens, in all and to one of them at most. */
  readonly deadAccessTokenUses: number
  readonly mostUsesOfOneDeadAccessToken: number
}

export interface NewGrant {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly expiresInSeconds: number | null
  readonly refreshExpiresInSeconds: number | null
  readonly hasRefreshToken: boolean
  readonly isLong: boolean
}

/** Codes and tokens of one account, dead ones included, so that their late use can be counted. */
export class Grants {
  readonly #clock: Clock
  readonly #seed: string
  readonly #codes = new Map<string, Code>()
  readonly #byAccess = new Map<string, Grant>()
  readonly #byRefresh = new Map<string, Grant>()
  readonly #refreshUses = new Map<string, number>()
  readonly #deadAccess = new Map<string, number>()
  readonly #deadRefresh = new Set<string>()
  #made = 0
  #refreshes = 0

  constructor(clock: Clock, seed: string) {
    this.#clock = clock
    this.#seed = seed
  }

  addCode(code: Omit<Code, 'isUsed' | 'expiresAt'>): string {
    const text = this.#secret('code').slice(0, 40)
    this.#codes.set(text, { ...code, expiresAt: this.#clock.now() + 120_000, isUsed: false })
    return text
  }

  /** A code works once, for two minutes. Asking for it uses it, whatever comes of it. */
  takeCode(text: string): Code | null {
    const code = this.#codes.get(text)
    if (code === undefined || code.isUsed || code.expiresAt <= this.#clock.now()) return null
    code.isUsed = true
    return code
  }

  addGrant(wanted: NewGrant): Grant {
    const now = this.#clock.now()
    const lifetime = (seconds: number | null): number | null =>
      seconds === null ? null : now + seconds * 1000
    const grant: Grant = {
      id: 4_000_000 + ++this.#made,
      accessToken: wanted.isLong ? this.#jwt(wanted, now) : this.#secret('access'),
      refreshToken: wanted.hasRefreshToken ? this.#secret('refresh') : null,
      clientId: wanted.clientId,
      scopes: wanted.scopes,
      createdAt: now,
      usedAt: now,
      expiresAt: lifetime(wanted.expiresInSeconds),
      refreshExpiresAt: wanted.hasRefreshToken ? lifetime(wanted.refreshExpiresInSeconds) : null,
      isDead: false,
    }
    this.#byAccess.set(grant.accessToken, grant)
    if (grant.refreshToken !== null) this.#byRefresh.set(grant.refreshToken, grant)
    return grant
  }

  /** The living grant of an access token. */
  authenticate(accessToken: string): Grant | null {
    const grant = this.#byAccess.get(accessToken)
    if (grant === undefined) return null
    const now = this.#clock.now()
    if (grant.isDead || (grant.expiresAt !== null && grant.expiresAt <= now)) {
      this.#deadAccess.set(accessToken, (this.#deadAccess.get(accessToken) ?? 0) + 1)
      return null
    }
    grant.usedAt = now
    return grant
  }

  /** The grant of a refresh token that still works. Each call counts as a use of the token. */
  takeRefresh(refreshToken: string, clientId: string): Grant | null {
    this.#refreshUses.set(refreshToken, (this.#refreshUses.get(refreshToken) ?? 0) + 1)
    const grant = this.#byRefresh.get(refreshToken)
    if (grant === undefined || grant.clientId !== clientId) return null
    const expiresAt = grant.refreshExpiresAt ?? Number.POSITIVE_INFINITY
    if (grant.isDead || expiresAt <= this.#clock.now()) {
      this.#deadRefresh.add(refreshToken)
      return null
    }
    this.#refreshes += 1
    return grant
  }

  byId(id: number): Grant | null {
    return this.all().find((grant) => grant.id === id && !grant.isDead) ?? null
  }

  all(): Grant[] {
    return [...this.#byAccess.values()]
  }

  /** Every code and token that was ever given out. */
  secrets(): string[] {
    const tokens = this.all().flatMap((grant) => [grant.accessToken, grant.refreshToken ?? ''])
    return [...this.#codes.keys(), ...tokens].filter((secret) => secret !== '')
  }

  revokeAll(): number {
    const living = this.all().filter((grant) => !grant.isDead)
    for (const grant of living) grant.isDead = true
    return living.length
  }

  use(): TokenUse {
    const uses = [...this.#refreshUses.values()]
    return {
      codesIssued: this.#codes.size,
      grantsIssued: this.#byAccess.size,
      grantsAlive: this.all().filter((grant) => !grant.isDead).length,
      refreshes: this.#refreshes,
      refreshTokensUsedTwice: uses.filter((count) => count > 1).length,
      mostUsesOfOneRefreshToken: uses.reduce((most, count) => Math.max(most, count), 0),
      deadRefreshTokensUsed: this.#deadRefresh.size,
      deadAccessTokensUsed: this.#deadAccess.size,
      deadAccessTokenUses: [...this.#deadAccess.values()].reduce((sum, uses) => sum + uses, 0),
      mostUsesOfOneDeadAccessToken: Math.max(0, ...this.#deadAccess.values()),
    }
  }

  #secret(kind: string): string {
    const count = this.#byAccess.size + this.#codes.size
    return createHash('sha256').update(`${this.#seed}|${kind}|${this.#made}|${count}`).digest('hex')
  }

  /** Shaped like the access tokens of global clients: about two kilobytes, expiry inside. */
  #jwt(wanted: NewGrant, now: number): string {
    const encode = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url')
    const expiresAt = Math.floor(now / 1000) + (wanted.expiresInSeconds ?? 1800)
    const padding = this.#secret('jwt').repeat(20)
    const payload = { exp: expiresAt, scope: wanted.scopes.join(' '), jti: padding }
    return [
      encode({ alg: 'RS256', typ: 'at+jwt' }),
      encode(payload),
      this.#secret('signature'),
    ].join('.')
  }
}
