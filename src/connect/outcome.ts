/** How a callback ended. All but the first two leave nothing of a token behind. */
export type Outcome =
  | { readonly kind: 'connected'; readonly subdomain: string; readonly days: number }
  | { readonly kind: 'reconnected'; readonly subdomain: string }
  | { readonly kind: 'link_unusable' }
  | { readonly kind: 'not_authorized'; readonly subdomain: string; readonly error: string }
  | { readonly kind: 'failed'; readonly subdomain: string; readonly failure: Failure }

export type Failure =
  | 'denied'
  | 'code_missing'
  | 'code_refused'
  | 'client_rejected'
  | 'role_insufficient'
  | 'scope_insufficient'
  | 'refresh_token_missing'
  | 'zendesk_unavailable'
  | 'zendesk_shape'

/** What a person reads: what happened, why, and what to do next. */
export interface Notice {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly next: string
}

const START_AGAIN = 'Ask for a new link and open it.'

const linkUnusable: Notice = {
  status: 400,
  title: 'This link was used or has expired',
  text: 'A link to connect an account works once, within ten minutes. Nothing was changed.',
  next: START_AGAIN,
}

const failures: Readonly<Record<Failure, Omit<Notice, 'title'>>> = {
  denied: {
    status: 403,
    text: 'Access was refused on the consent page of Zendesk (access_denied).',
    next: 'If that was a mistake, ask for a new link and choose "Allow".',
  },
  code_missing: {
    status: 400,
    text: 'Zendesk sent no authorization code along.',
    next: START_AGAIN,
  },
  code_refused: {
    status: 400,
    text: 'The authorization code has expired or was used before: it lives two minutes.',
    next: START_AGAIN,
  },
  client_rejected: {
    status: 422,
    text: 'Zendesk rejects the OAuth client of this service: its id or its secret is wrong (client_rejected).',
    next: 'The operator has to correct ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET. Then ask for a new link.',
  },
  role_insufficient: {
    status: 403,
    text: 'Only an administrator of the account may export its tickets, and the user who gave consent is none (role_insufficient).',
    next: 'Ask for a new link, sign in to Zendesk as an administrator and open it.',
  },
  scope_insufficient: {
    status: 403,
    text: 'The consent does not cover reading tickets (scope_insufficient).',
    next: 'The operator has to correct ZENDESK_SCOPE or the scopes of the OAuth client. Then ask for a new link.',
  },
  refresh_token_missing: {
    status: 422,
    text: 'Zendesk gave a token that ends and cannot be renewed (refresh_token_missing).',
    next: 'The operator has to use an OAuth client that may refresh its tokens. Then ask for a new link.',
  },
  zendesk_unavailable: {
    status: 424,
    text: 'Zendesk could not be reached, or did not answer as it should.',
    next: 'Wait a few minutes, then ask for a new link and open it.',
  },
  zendesk_shape: {
    status: 424,
    text: 'Zendesk answered in a form that this service does not know.',
    next: 'Ask for a new link and open it. If that does not help, tell the operator.',
  },
}

/** The codes of RFC 6749 that a callback can bring. What else it brings is not repeated. */
const errors: ReadonlyMap<string, string> = new Map([
  ['invalid_request', 'it did not understand the request (invalid_request)'],
  ['invalid_scope', 'the OAuth client may not ask for what ZENDESK_SCOPE says (invalid_scope)'],
  ['unauthorized_client', 'the OAuth client may not ask in this way (unauthorized_client)'],
  ['unsupported_response_type', 'it gives out no codes (unsupported_response_type)'],
  ['server_error', 'it failed (server_error)'],
  ['temporarily_unavailable', 'it is busy (temporarily_unavailable)'],
])

export function noticeOf(outcome: Outcome): Notice {
  switch (outcome.kind) {
    case 'connected':
      return {
        status: 200,
        title: `${outcome.subdomain} is connected`,
        text: `The public conversations of the last ${outcome.days} days are being imported; new ones follow by themselves.`,
        next: 'You can close this window.',
      }
    case 'reconnected':
      return {
        status: 200,
        title: `${outcome.subdomain} is connected again`,
        text: 'The consent was renewed; what was imported is kept, and reading goes on where it stopped.',
        next: 'You can close this window.',
      }
    case 'link_unusable':
      return linkUnusable
    case 'not_authorized': {
      const error = errors.get(outcome.error) ?? 'the reason it gave is not known here'
      const text = `Zendesk did not authorize this service: ${error}.`
      return notConnected(outcome.subdomain, { status: 400, text, next: START_AGAIN })
    }
    case 'failed':
      return notConnected(outcome.subdomain, failures[outcome.failure])
    default:
      return outcome satisfies never
  }
}

function notConnected(subdomain: string, notice: Omit<Notice, 'title'>): Notice {
  const text = `${notice.text} Nothing was stored.`
  return { ...notice, title: `${subdomain} was not connected`, text }
}
