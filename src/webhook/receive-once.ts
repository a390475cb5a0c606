import type { Hint } from '../hint/hint.ts'
import { IntegrationId } from '../ids.ts'
import { readEvent } from './event.ts'
import type { Body } from './read-body.ts'
import { type Proof, checkSignature } from './signature.ts'
import type { Terms } from './terms/terms-store.ts'

/** A request as it came, nothing of it believed. */
export interface Delivery {
  readonly integrationId: string
  readonly proof: Proof
  /** Not signed; an empty text if it is missing. */
  readonly accountHeader: string
  readonly readBody: () => Promise<Body>
}

export interface ReceiveDeps {
  readonly terms: {
    readonly find: (id: IntegrationId) => Promise<Terms> | Terms
    readonly pin: (id: IntegrationId, accountId: number) => Promise<number | undefined>
  }
  /** Resolves when the hint is there to stay. */
  readonly store: (hint: Hint) => Promise<void>
  /** A signed delivery came in. */
  readonly note: (id: IntegrationId) => void
}

export type Receipt =
  | 'stored'
  | 'meaningless'
  | 'no integration'
  | 'unsigned'
  | 'stale'
  | 'too large'
  | 'broken off'
  | 'no room'
  | 'no event'
  | 'other account'

/**
 * Takes one delivery in: from an address, bytes and three headers to a hint in the table. Nothing is
 * parsed before the signature over the raw bytes is right, and nothing of the body is kept but which
 * ticket it is about and when. What it throws is our failure and never that of the sender.
 */
export async function receiveOnce(deps: ReceiveDeps, delivery: Delivery): Promise<Receipt> {
  const id = IntegrationId.safeParse(delivery.integrationId.toLowerCase())
  if (!id.success) return 'no integration'
  const terms = await deps.terms.find(id.data)
  if (terms.kind === 'nobody') return 'no integration'
  const body = await delivery.readBody()
  if (!Buffer.isBuffer(body)) return body
  if (terms.kind === 'no key') return 'unsigned'
  if (terms.kind === 'sealed') throw terms.error
  const check = checkSignature(terms.key, delivery.proof, body, Date.now())
  if (check.kind === 'stale') return 'stale'
  if (check.kind !== 'valid') return 'unsigned'
  deps.note(id.data)
  const event = readEvent(body, id.data, check.signedAt)
  if (event.kind === 'unreadable') return 'no event'
  if (!(await isOfAccount(deps, { id: id.data, terms, event, delivery }))) return 'other account'
  if (event.kind === 'meaningless') return 'meaningless'
  await deps.store(event.hint)
  return 'stored'
}

interface Signed {
  readonly id: IntegrationId
  readonly terms: { readonly accountId: number | null }
  readonly event: { readonly accountId: number | null }
  readonly delivery: Delivery
}

/** The first signed delivery that names its account says whose all others have to be. */
async function isOfAccount(
  deps: ReceiveDeps,
  { id, terms, event, delivery }: Signed,
): Promise<boolean> {
  const { accountId } = event
  if (accountId === null) return true
  const { accountHeader } = delivery
  if (accountHeader !== '' && accountHeader !== String(accountId)) return false
  return accountId === (terms.accountId ?? (await deps.terms.pin(id, accountId)) ?? accountId)
}
