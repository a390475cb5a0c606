import { createHash } from 'node:crypto'
import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import type { Sealed } from '../credential/seal.ts'
import { IntegrationId } from '../ids.ts'

/** Long enough to sign in at Zendesk, short enough that a forgotten link is worth nothing. */
const LIFE = sql<Date>`now() + interval '10 minutes'`

/** An authorization request that was answered: its state counts no more. */
export interface ClaimedConsent {
  readonly integrationId: IntegrationId
  readonly verifier: Sealed
}

/** Stores a new request beside those that may still be open elsewhere; says when it ends. */
export async function insertConsent(
  trx: Transaction<Database>,
  consent: {
    readonly state: string
    readonly integrationId: IntegrationId
    readonly verifier: Sealed
  },
): Promise<DateTime> {
  const { state, integrationId, verifier } = consent
  const { expiresAt } = await trx
    .insertInto('consent')
    .values({
      stateHash: hashOf(state),
      integrationId,
      keyId: verifier.keyId,
      codeVerifier: verifier.sealed,
      expiresAt: LIFE,
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow()
  return expiresAt
}

/** Uses a state up. Of two callbacks with the same one, only one gets it. */
export async function claimConsent(
  db: Kysely<Database>,
  state: string,
): Promise<ClaimedConsent | undefined> {
  const row = await db
    .updateTable('consent')
    .set({ usedAt: sql<Date>`now()` })
    .where('stateHash', '=', hashOf(state))
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<DateTime>`now()`)
    .returning(['integrationId', 'keyId', 'codeVerifier'])
    .executeTakeFirst()
  return (
    row && {
      integrationId: IntegrationId.parse(row.integrationId),
      verifier: { keyId: row.keyId, sealed: row.codeVerifier },
    }
  )
}

/** Only this is stored of a state: who reads the table cannot make a callback out of it. */
function hashOf(state: string): Buffer {
  return createHash('sha256').update(state).digest()
}
