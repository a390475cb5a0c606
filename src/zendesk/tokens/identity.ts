import {
  ZendeskRefusedError,
  ZendeskShapeError,
  type IntegrationErrorCode,
} from '../../platform/errors.ts'
import { type Reading, readFields } from '../http/read-response.ts'
import { currentTokenSchema, meSchema } from '../schemas.ts'

/** Who the token belongs to. Zendesk answers 200 to a stranger, too, with a user without an id. */
export function readUserId(reading: Reading): number {
  const { user } = readFields(
    meSchema,
    answeredBy(reading, 'user of the token'),
    'user of the token',
  )
  if (user.id !== null) return user.id
  throw new ZendeskRefusedError(
    'credentials_revoked',
    'Zendesk takes the new token for that of nobody: connect the account again',
  )
}

/** The number under which the token itself can be revoked. */
export function readTokenId(reading: Reading): number {
  return readFields(currentTokenSchema, answeredBy(reading, 'current token'), 'current token').token
    .id
}

/** Throws unless the token was deleted, by us or before. */
export function readRevocation(reading: Reading): void {
  if (reading.kind !== 'missing') answeredBy(reading, 'revocation of the token')
}

/** Refusals after which there is nothing left to revoke. */
const WITHOUT_TOKEN = new Set<IntegrationErrorCode>([
  'credentials_revoked',
  'refresh_token_expired',
  'refresh_token_missing',
  'account_changed',
])

export function isWithoutToken(error: unknown): boolean {
  return error instanceof ZendeskRefusedError && WITHOUT_TOKEN.has(error.integrationError)
}

function answeredBy(reading: Reading, what: string): object {
  if (reading.kind === 'answered') return reading.value
  if (reading.kind === 'forbidden') {
    throw new ZendeskRefusedError(
      'role_insufficient',
      `${what}: Zendesk forbids it to this user: connect the account again as an administrator`,
    )
  }
  throw new ZendeskShapeError(`${what}: Zendesk answers something else than expected`)
}
