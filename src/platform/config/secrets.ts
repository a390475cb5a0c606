import { inspect } from 'node:util'
import { z } from 'zod'

/** One AES-256 key: the first of the list seals, all of them open. */
export interface EncryptionKey {
  readonly id: string
  readonly key: Buffer
}

interface SecretValues {
  readonly adminToken: string | undefined
  readonly readToken: string | undefined
  readonly encryptionKeys: readonly EncryptionKey[]
  readonly zendeskClientSecret: string | undefined
  readonly sinkSecret: string | undefined
}

/** What must reach no log and no answer: printing it, in any way, shows `[secret]`. */
export class Secrets implements SecretValues {
  readonly adminToken: string | undefined
  readonly readToken: string | undefined
  readonly encryptionKeys: readonly EncryptionKey[]
  readonly zendeskClientSecret: string | undefined
  readonly sinkSecret: string | undefined

  constructor(values: SecretValues) {
    this.adminToken = values.adminToken
    this.readToken = values.readToken
    this.encryptionKeys = values.encryptionKeys
    this.zendeskClientSecret = values.zendeskClientSecret
    this.sinkSecret = values.sinkSecret
  }

  toJSON(): string {
    return '[secret]'
  }

  toString(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

/** `id:base64(32 bytes)[,id:…]`. */
export function parseEncryptionKeys(text: string, context: z.RefinementCtx): EncryptionKey[] {
  const keys = text.split(',').map((part) => {
    const [, id, encoded] = /^([\w.-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(part.trim()) ?? []
    return id === undefined || encoded === undefined
      ? undefined
      : { id, key: Buffer.from(encoded, 'base64') }
  })
  const valid = keys.filter((key) => key !== undefined)
  if (valid.length < keys.length) {
    context.addIssue({
      code: 'custom',
      message: 'expected id:base64(32 bytes)[,id:base64(32 bytes)…]',
    })
  } else if (new Set(valid.map((key) => key.id)).size < valid.length) {
    context.addIssue({ code: 'custom', message: 'expected a different id for each key' })
  }
  return valid
}

/** Padded base64: what a receiver's library decodes, and so does ours. */
export const WebhookSecret = z
  .string()
  .regex(
    /^whsec_(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    'expected whsec_ and padded base64',
  )
