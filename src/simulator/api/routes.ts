import { decideConsent, showConsent } from '../oauth/authorize.ts'
import { issueToken } from '../oauth/token.ts'
import {
  deleteCurrentToken,
  deleteToken,
  listTokens,
  showCurrentToken,
} from '../oauth/tokens-api.ts'
import type { LimitName } from '../serve/rate-limit.ts'
import type { Family } from '../serve/request-log.ts'
import type { Answer, Call } from './answer.ts'
import { countComments, listComments } from './comments.ts'
import { ticketsByCursor, ticketsByTime } from '../export/ticket-export.ts'
import { ticketEvents } from '../export/ticket-events.ts'
import { deletedTickets, showManyTickets, showTicket } from './tickets.ts'
import { accountSettings, currentUser, listGroups, showManyUsers, showUser } from './users.ts'
import {
  createWebhook,
  deleteWebhook,
  listAttempts,
  listInvocations,
  listWebhooks,
  renewSigningSecret,
  showSigningSecret,
  showWebhook,
  testWebhook,
  updateWebhook,
} from '../webhooks/answers.ts'

export interface Route {
  readonly method: string
  readonly pattern: readonly string[]
  readonly family: Family
  readonly answer: (call: Call) => Answer | Promise<Answer>
  /** Who may ask: `open` needs no token, `anyone` checks itself, the rest need a scope. */
  readonly access: 'open' | 'anyone' | 'agent' | 'admin'
  /** The resource of the narrow scope that opens the route besides `read` or `write`. */
  readonly resource: string
  readonly limit: LimitName | null
}

type Access = Route['access']

const TABLE: readonly Route[] = [
  route('GET', 'oauth/authorizations/new', 'oauth', 'open', showConsent),
  route('POST', 'oauth/authorizations', 'oauth', 'open', decideConsent),
  route('POST', 'oauth/tokens', 'oauth', 'open', issueToken),
  api('GET', 'incremental/tickets/cursor', 'incremental', ticketsByCursor, {
    access: 'admin',
    resource: 'tickets',
    limit: 'incremental-exports-cursor',
  }),
  api('GET', 'incremental/tickets', 'incremental', ticketsByTime, {
    access: 'admin',
    resource: 'tickets',
    limit: 'incremental-exports',
  }),
  api('GET', 'incremental/ticket_events', 'incremental', ticketEvents, {
    access: 'admin',
    resource: 'tickets',
    limit: 'incremental-exports',
  }),
  api('GET', 'tickets/:/comments', 'comments', listComments, {
    resource: 'tickets',
    limit: 'ticket-comments',
  }),
  api('GET', 'tickets/:/comments/count', 'comments', countComments, { resource: 'tickets' }),
  api('GET', 'tickets/show_many', 'tickets', showManyTickets, { resource: 'tickets' }),
  api('GET', 'tickets/:', 'tickets', showTicket, { resource: 'tickets' }),
  api('GET', 'deleted_tickets', 'tickets', deletedTickets, {
    resource: 'tickets',
    limit: 'deleted-tickets',
  }),
  api('GET', 'users/me', 'users', currentUser, { access: 'anyone', resource: 'users' }),
  api('GET', 'users/show_many', 'users', showManyUsers, { resource: 'users' }),
  api('GET', 'users/:', 'users', showUser, { resource: 'users' }),
  webhook('POST', 'webhooks', createWebhook),
  webhook('GET', 'webhooks', listWebhooks),
  webhook('POST', 'webhooks/test', testWebhook),
  webhook('GET', 'webhooks/:', showWebhook),
  webhook('PUT', 'webhooks/:', updateWebhook),
  webhook('PATCH', 'webhooks/:', updateWebhook),
  webhook('DELETE', 'webhooks/:', deleteWebhook),
  webhook('GET', 'webhooks/:/signing_secret', showSigningSecret),
  webhook('POST', 'webhooks/:/signing_secret', renewSigningSecret),
  webhook('GET', 'webhooks/:/invocations', listInvocations),
  webhook('GET', 'webhooks/:/invocations/:/attempts', listAttempts),
  api('GET', 'groups', 'other', listGroups, { resource: 'groups' }),
  api('GET', 'account/settings', 'other', accountSettings, { resource: 'account' }),
  api('GET', 'oauth/tokens/current', 'oauth', showCurrentToken, { resource: 'tokens' }),
  api('GET', 'oauth/tokens', 'oauth', listTokens, { resource: 'tokens' }),
  api('DELETE', 'oauth/tokens/current', 'oauth', deleteCurrentToken, { resource: '*' }),
  api('DELETE', 'oauth/tokens/:', 'oauth', deleteToken, { resource: '*' }),
]

export interface Match {
  readonly route: Route
  readonly params: readonly string[]
}

const BY_LENGTH = Map.groupBy(TABLE, (entry) => entry.pattern.length)

/** The route of a path without its account prefix; `.json` at its end makes no difference. */
export function matchRoute(method: string, segments: readonly string[]): Match | null {
  for (const candidate of BY_LENGTH.get(segments.length) ?? []) {
    if (candidate.method !== method) continue
    const params = paramsOf(candidate.pattern, segments)
    if (params !== null) return { route: candidate, params }
  }
  return null
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): string[] | null {
  const params: string[] = []
  for (let index = 0; index < pattern.length; index++) {
    const segment = segments[index] ?? ''
    if (pattern[index] === ':') params.push(segment)
    else if (pattern[index] !== segment) return null
  }
  return params
}

function route(
  method: string,
  path: string,
  family: Family,
  access: Access,
  answer: Route['answer'],
): Route {
  return { method, pattern: path.split('/'), family, access, answer, resource: '', limit: null }
}

function webhook(method: string, path: string, answer: Route['answer']): Route {
  return api(method, path, 'webhooks', answer, { access: 'admin', resource: 'webhooks' })
}

function api(
  method: string,
  path: string,
  family: Family,
  answer: Route['answer'],
  rest: { access?: Access; resource: string; limit?: LimitName },
): Route {
  return {
    ...route(method, `api/v2/${path}`, family, rest.access ?? 'agent', answer),
    resource: rest.resource,
    limit: rest.limit ?? null,
  }
}
