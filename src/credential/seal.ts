import { createCipheriv, createDecipheriv } from 'node:crypto'
import { CredentialError } from '../platform/errors.ts'
import type { EncryptionKey } from '../platform/config/secrets.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG_BYTES = 16

/** Length of a nonce: the 96 bits for which GCM is defined without a derivation step. */
export const NONCE_BYTES = 12

/** Where a secret belongs. It is bound in: a value copied to another row or column does not open. */
export type SealContext =
  | {
      readonly integrationId: string
      readonly field: 'access_token' | 'refresh_token' | 'code_verifier' | 'signing_secret'
    }
  | { readonly sink: string; readonly field: 'secret' | 'previous_secret' }

export interface Sealed {
  readonly keyId: string
  /** Nonce, ciphertext, tag. */
  readonly sealed: Buffer
}

/** Seals with the first key. The nonce must be fresh and random: one used twice gives the key away. */
export function seal(
  keys: readonly EncryptionKey[],
  context: SealContext,
  plaintext: string,
  nonce: Buffer,
): Sealed {
  const key = keys[0]
  if (key === undefined) throw new CredentialError('no key to seal with: set ENCRYPTION_KEYS')
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes`)
  const cipher = createCipheriv(ALGORITHM, key.key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associatedData(context))
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return { keyId: key.id, sealed: Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]) }
}

/** Opens what `seal` made. Throws unless the key, the place and every byte are the same. */
export function unseal(
  keys: readonly EncryptionKey[],
  keyId: string,
  context: SealContext,
  sealed: Buffer,
): string {
  const key = keys.find((candidate) => candidate.id === keyId)
  if (key === undefined) {
    throw new CredentialError(
      `the ${context.field} of ${ownerOf(context)} is sealed with key "${keyId}": add that key to ENCRYPTION_KEYS`,
    )
  }
  try {
    return open(key, context, sealed)
  } catch (cause) {
    throw new CredentialError(
      `the ${context.field} of ${ownerOf(context)} does not open with key "${keyId}" of ENCRYPTION_KEYS: put the key back under which it was sealed, or ${'sink' in context ? 'give the sink a new secret' : 'connect the account again'}`,
      { cause },
    )
  }
}

function open(key: EncryptionKey, context: SealContext, sealed: Buffer): string {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new RangeError('a sealed value is cut short')
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key.key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associatedData(context))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  const ciphertext = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
}

function associatedData(context: SealContext): Buffer {
  const owner = 'sink' in context ? `sink/${context.sink}` : context.integrationId
  return Buffer.from(`${owner}/${context.field}`)
}

function ownerOf(context: SealContext): string {
  return 'sink' in context ? `sink ${context.sink}` : `integration ${context.integrationId}`
}
