import test from 'ava'
import type { IntegrationStatus } from '../../db/schema.ts'
import { failureFrom, lastingError } from '../../src/connect/failure.ts'
import type { Failure } from '../../src/connect/outcome.ts'
import {
  BudgetSpentError,
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'

const refused = (code: IntegrationErrorCode) => new ZendeskRefusedError(code, 'no')

const told: readonly (readonly [name: string, error: unknown, failure: Failure | undefined])[] = [
  ['a network that is down', new ZendeskUnavailableError('down'), 'zendesk_unavailable'],
  ['a limit', new BudgetSpentError('wait', new Date(0)), 'zendesk_unavailable'],
  ['our patience', new DOMException('late', 'TimeoutError'), 'zendesk_unavailable'],
  ['an unknown form', new ZendeskShapeError('odd'), 'zendesk_shape'],
  ['a used code', refused('credentials_revoked'), 'code_refused'],
  ['a wrong client', refused('client_rejected'), 'client_rejected'],
  ['a user without rights', refused('role_insufficient'), 'role_insufficient'],
  ['a scope that lacks', refused('scope_insufficient'), 'scope_insufficient'],
  ['a token that cannot be renewed', refused('refresh_token_missing'), 'refresh_token_missing'],
  ['an account that is gone', refused('account_changed'), 'zendesk_unavailable'],
  ['a bug', new TypeError('x is undefined'), undefined],
  ['an abort that is no timeout', new DOMException('stop', 'AbortError'), undefined],
]

for (const [name, error, failure] of told) {
  test(`a person is told of ${name}`, (t) => {
    t.is(failureFrom(error), failure)
  })
}

const statuses: readonly IntegrationStatus[] = ['pending', 'errored', 'active', 'paused']

const left: readonly (readonly [error: unknown, leaves: readonly IntegrationStatus[]])[] = [
  [refused('client_rejected'), ['pending', 'errored', 'active', 'paused']],
  [refused('role_insufficient'), ['pending', 'errored']],
  [refused('scope_insufficient'), ['pending', 'errored']],
  [refused('refresh_token_missing'), ['pending', 'errored']],
  [refused('credentials_revoked'), []],
  [refused('account_changed'), []],
  [new ZendeskUnavailableError('down'), []],
  [new ZendeskShapeError('odd'), []],
]

for (const [error, leaves] of left) {
  const { name } = error as Error
  const code = error instanceof ZendeskRefusedError ? error.integrationError : name
  test(`${code} leaves an error on an integration that is ${leaves.join(', ') || 'nothing'}`, (t) => {
    const found = statuses.filter(
      (status) => lastingError({ status, isRefreshed: true }, error) !== undefined,
    )

    t.deepEqual(
      found,
      statuses.filter((status) => leaves.includes(status)),
    )
  })
}

test('the error that is left says what Zendesk refused', (t) => {
  t.deepEqual(lastingError({ status: 'pending', isRefreshed: false }, refused('client_rejected')), {
    code: 'client_rejected',
    message: 'no',
  })
})

test('a token that is never refreshed does not suffer from a client that is rejected', (t) => {
  const error = refused('client_rejected')

  t.is(lastingError({ status: 'active', isRefreshed: false }, error), undefined)
  t.is(lastingError({ status: 'active', isRefreshed: true }, error)?.code, 'client_rejected')
})
