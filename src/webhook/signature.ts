import { type KeyObject, createHmac, timingSafeEqual } from 'node:crypto'

/** A retry carries an instant of its own, so that this covers what is under way and nothing else. */
const MOST_AGE_MS = 10 * 60_000
/** Clocks differ. */
const MOST_AHEAD_MS = 5 * 60_000

/** What a delivery says in its headers to prove itself; an empty text where one is missing. */
export interface Proof {
  readonly signature: string
  readonly timestamp: string
}

export type SignatureCheck =
  | { readonly kind: 'valid'; readonly signedAt: number }
  | { readonly kind: 'missing' | 'wrong' | 'stale' }

/**
 * Whether the owner of the key has signed these bytes at an instant that is not far from now
 * (milliseconds). The key is the secret as it is written, not what its base64 stands for, and the
 * message is the timestamp as it is written, followed by the body as it came.
 */
export function checkSignature(
  key: KeyObject,
  { signature, timestamp }: Proof,
  body: Buffer,
  now: number,
): SignatureCheck {
  if (signature === '' || timestamp === '') return { kind: 'missing' }
  const expected = createHmac('sha256', key).update(timestamp).update(body).digest()
  if (!isSame(expected, signature)) return { kind: 'wrong' }
  const signedAt = instantOf(timestamp)
  const isFresh = signedAt >= now - MOST_AGE_MS && signedAt <= now + MOST_AHEAD_MS
  return isFresh ? { kind: 'valid', signedAt } : { kind: 'stale' }
}

/** Only its length, which is no secret, shows in the time that this takes. */
function isSame(expected: Buffer, signature: string): boolean {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) return false
  return timingSafeEqual(expected, Buffer.from(signature, 'base64'))
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** Milliseconds, or NaN for what is no instant; as many as nine digits behind the second are read. */
export function instantOf(text: string): number {
  return INSTANT.test(text) ? Date.parse(text) : Number.NaN
}
