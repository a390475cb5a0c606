import type { Subdomain } from '../../ids.ts'
import {
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
  type IntegrationErrorCode,
} from '../../platform/errors.ts'
import { type HttpAnswer, type Reading, readFields, readResponse } from '../http/read-response.ts'
import { currentTokenSchema, meSchema, nobodySchema } from '../schemas.ts'

export const ME_PATH = '/api/v2/users/me.json'

const ME = 'user of the token'

/**
 * Zendesk answers 200 to a token that it does not know, too, with a user without an id: that is
 * nobody else, but a token that is not taken. Every account has this address, so a 404 is an outage;
 * it does not go by its status, which whoever waits for the answer would take for that of a ticket.
 */
export function readMe(answer: HttpAnswer): Reading {
  const reading = readResponse(answer)
  switch (reading.kind) {
    case 'answered':
      return nobodySchema.safeParse(reading.value).success ? { kind: 'token refused' } : reading
    case 'missing':
    case 'unavailable': {
      if (answer.status !== 404) return reading
      const error = new ZendeskUnavailableError(`Zendesk answers 404 for the ${ME}`)
      return { kind: 'unavailable', error }
    }
    default:
      return reading
  }
}

/** Who the token belongs to. */
export function readUserId(reading: Reading): number {
  return readFields(meSchema, answeredBy(reading, ME), ME).user.id
}

/** Zendesk numbers users over all accounts: another user here is another account, or another person. */
export function otherIdentity(subdomain: Subdomain): ZendeskRefusedError {
  return new ZendeskRefusedError(
    'account_changed',
    `the Zendesk account at ${subdomain} takes the token for another user than the one who connected it: if the account was renamed, connect it under its new subdomain; if this is the right one, connect it again`,
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
