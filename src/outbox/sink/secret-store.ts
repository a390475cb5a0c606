import { randomBytes } from 'node:crypto'
import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database, SinkTable } from '../../../db/schema.ts'
import { NONCE_BYTES, seal, unseal } from '../../credential/seal.ts'
import { CredentialError } from '../../platform/errors.ts'
import type { EncryptionKey } from '../../platform/config/secrets.ts'

type SealedRow = Pick<
  Selectable<SinkTable>,
  'name' | 'keyId' | 'secret' | 'previousSecret' | 'previousSecretUntil'
>

/** A secret as Standard Webhooks writes it. */
export function makeSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

export function makeSinkName(): string {
  return `sink_${randomBytes(16).toString('hex')}`
}

/** The columns of the secrets, sealed with the first key. */
export function sealSecret(
  keys: readonly EncryptionKey[],
  sink: string,
  secret: string,
  previous?: string,
): { keyId: string; secret: Buffer; previousSecret: Buffer | null } {
  const sealField = (field: 'secret' | 'previous_secret', text: string) =>
    seal(keys, { sink, field }, text, randomBytes(NONCE_BYTES))
  const newest = sealField('secret', secret)
  return {
    keyId: newest.keyId,
    secret: newest.sealed,
    previousSecret: previous === undefined ? null : sealField('previous_secret', previous).sealed,
  }
}

/** What to sign with, the newest first: beside it the one before, for a day after the change. */
export function openSecrets(keys: readonly EncryptionKey[], row: SealedRow): string[] {
  const { name: sink, keyId, secret, previousSecret, previousSecretUntil } = row
  if (keyId === null || secret === null) return []
  const newest = unseal(keys, keyId, { sink, field: 'secret' }, secret)
  if (previousSecret === null || previousSecretUntil === null) return [newest]
  if (previousSecretUntil <= DateTime.utc()) return [newest]
  return [newest, unseal(keys, keyId, { sink, field: 'previous_secret' }, previousSecret)]
}

const sealedColumns = ['name', 'keyId', 'secret', 'previousSecret', 'previousSecretUntil'] as const

/** Throws unless every secret of a sink can be opened: each key id that occurs is known, one row of each opens. */
export async function checkSinkKeys(
  db: Kysely<Database>,
  keys: readonly EncryptionKey[],
): Promise<void> {
  const rows = await db
    .selectFrom('sink')
    .distinctOn('keyId')
    .select(sealedColumns)
    .where('keyId', 'is not', null)
    .execute()
  // What is wrong, and what to do, stands in the error of the seal.
  for (const row of rows) openSecrets(keys, row)
}

export interface ResealedSinks {
  readonly resealed: number
  /** Sealed with a key whose id we have and whose bytes we do not. */
  readonly unopened: readonly string[]
  /** The last sink looked at; undefined: none was left. */
  readonly last: string | undefined
}

/** Seals the secrets of the next few sinks with the first key that are sealed with another one we have. */
export async function resealSinks(
  trx: Transaction<Database>,
  keys: readonly EncryptionKey[],
  batch: { readonly limit: number; readonly after: string | undefined },
): Promise<ResealedSinks> {
  const [, ...older] = keys.map((key) => key.id)
  if (older.length === 0) return { resealed: 0, unopened: [], last: undefined }
  const rows = await trx
    .selectFrom('sink')
    .select(sealedColumns)
    .where('keyId', 'in', older)
    .where('name', '>', batch.after ?? '')
    .orderBy('name')
    .limit(batch.limit)
    .forUpdate()
    .skipLocked()
    .execute()
  const unopened: string[] = []
  for (const row of rows) {
    try {
      const [secret = '', previous] = openSecrets(keys, row)
      // A secret that has run out goes with the key that sealed it.
      const ended = previous === undefined && { previousSecretUntil: null }
      await trx
        .updateTable('sink')
        .set({ ...sealSecret(keys, row.name, secret, previous), ...ended })
        .where('name', '=', row.name)
        .execute()
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error
      unopened.push(row.name)
    }
  }
  return { resealed: rows.length - unopened.length, unopened, last: rows.at(-1)?.name }
}

/** Forgets secrets that have run out. */
export async function pruneSecrets(db: Kysely<Database>): Promise<{ secrets: number }> {
  const { numUpdatedRows } = await db
    .updateTable('sink')
    .set({ previousSecret: null, previousSecretUntil: null })
    .where('previousSecretUntil', '<', sql<DateTime>`now()`)
    .executeTakeFirst()
  return { secrets: Number(numUpdatedRows) }
}
