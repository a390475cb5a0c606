import type { Account } from '../account.ts'
import type { Grant } from '../oauth/grants.ts'

/** What goes back: an object as JSON, or a text as it is, or nothing. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly contentType?: string
}

/** One request to an account, taken apart. */
export interface Call {
  readonly account: Account
  readonly method: string
  readonly path: string
  /** The parts of the path that the route left open. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
  readonly body: unknown
  /** Scheme, host and prefix under which the account was asked: links in answers carry it. */
  readonly base: string
  readonly grant: Grant | null
}

export const ok = (body: Readonly<Record<string, unknown>>): Answer => ({ status: 200, body })

export const noContent: Answer = { status: 204 }

export const recordNotFound: Answer = {
  status: 404,
  body: { error: 'RecordNotFound', description: 'Not found' },
}

export const invalidEndpoint: Answer = {
  status: 404,
  body: { error: 'InvalidEndpoint', description: 'Not found' },
}

export const invalidToken: Answer = {
  status: 401,
  headers: { 'WWW-Authenticate': 'Bearer realm="Zendesk"' },
  body: {
    error: 'invalid_token',
    error_description:
      'The access token provided is expired, revoked, malformed or invalid for other reasons.',
  },
}

export const notAuthenticated: Answer = {
  status: 401,
  body: { error: "Couldn't authenticate you" },
}

export const roleForbidden: Answer = {
  status: 403,
  body: {
    error: {
      title: 'Forbidden',
      message:
        'You do not have access to this page. Please contact the account owner of this help desk for further help.',
    },
  },
}

export const scopeForbidden = (scope: string): Answer => ({
  status: 403,
  body: {
    error: 'Forbidden',
    description: `You are missing the following required scopes: ${scope}`,
  },
})

export const tooManyValues: Answer = {
  status: 400,
  body: {
    error: 'TooManyValues',
    description: 'Parameter  cannot specify more than 100 values',
    max_count: 100,
  },
}

export const noHelpDesk = (subdomain: string): Answer => ({
  status: 404,
  body: {
    error: {
      title: `No help desk at ${subdomain}.zendesk.com`,
      message:
        'There is no help desk configured at this address. This means that the address is available and that you can claim it at http://www.zendesk.com/signup',
    },
  },
})

export const invalidValue = (description: string, status = 422): Answer => ({
  status,
  body: { error: 'InvalidValue', description },
})

export const recordInvalid = (field: string, description: string): Answer => ({
  status: 422,
  body: {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [field]: [{ description, error: 'InvalidValue' }] },
  },
})

export const invalidDepth: Answer = {
  status: 400,
  body: {
    errors: [
      {
        code: 'InvalidPaginationDepth',
        title: 'Invalid pagination depth',
        detail:
          'Pagination is limited to 10000 records or 100 pages. Use cursor pagination instead.',
      },
    ],
  },
}

export function rateLimited(seconds: number, endpoint: string): Answer {
  const what = endpoint === '' ? 'API requests' : `${endpoint} API requests`
  return {
    status: 429,
    headers: { 'Retry-After': String(seconds) },
    body: {
      error: 'APIRateLimitExceeded',
      description: `Number of allowed ${what} per minute exceeded`,
    },
  }
}
