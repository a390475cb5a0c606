import test from 'ava'
import { DateTime } from 'luxon'
import { Subdomain } from '../../src/ids.ts'
import {
  BudgetSpentError,
  ConfigError,
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import {
  type Asked,
  authorizeUrl,
  clientOf,
  codeChallenge,
  codeGrantBody,
  readTokenAnswer,
  refreshGrantBody,
} from '../../src/zendesk/oauth.ts'
import { testConfig } from '../support/gateway.ts'

const at = DateTime.fromISO('2026-01-01T00:00:00Z', { zone: 'utc' })
const code: Asked = {
  grantType: 'authorization_code',
  clientId: 'hearflow',
  scope: 'read',
  at,
  minuteMs: 60_000,
}
const refresh: Asked = { ...code, grantType: 'refresh_token' }

const tokens = {
  access_token: 'access',
  refresh_token: 'refresh',
  token_type: 'bearer',
  scope: 'read',
  expires_in: 86_400,
  refresh_token_expires_in: 2_592_000,
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

const jwt = (claims: object) =>
  ['{"typ":"at+jwt"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

test('consent is asked for with PKCE, our scope and a state', (t) => {
  const url = new URL(
    authorizeUrl(testConfig().zendesk, Subdomain.parse('acme'), {
      redirectUri: 'http://localhost:3000/oauth/zendesk/callback',
      state: 'state-1',
      codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    }),
  )

  t.is(url.origin + url.pathname, 'https://acme.zendesk.com/oauth/authorizations/new')
  t.deepEqual(Object.fromEntries(url.searchParams), {
    response_type: 'code',
    client_id: 'hearflow',
    redirect_uri: 'http://localhost:3000/oauth/zendesk/callback',
    scope: 'read',
    state: 'state-1',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
})

test('the challenge is that of the example in RFC 7636', (t) => {
  t.is(
    codeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  )
})

test('without a client id the variable to set is named', (t) => {
  const config = testConfig({ ZENDESK_CLIENT_ID: '', ZENDESK_CLIENT_SECRET: '' })

  t.throws(() => clientOf(config), { instanceOf: ConfigError, message: /ZENDESK_CLIENT_ID/ })
})

test('lifetimes are asked for with the code and with each refresh', (t) => {
  const client = clientOf(testConfig())
  const lifetimes = { expires_in: 86_400, refresh_token_expires_in: 2_592_000 }
  const redirectUri = 'http://localhost:3000/oauth/zendesk/callback'

  t.deepEqual(
    codeGrantBody(client, { code: 'c', codeVerifier: 'v', redirectUri }, 'read') as object,
    {
      grant_type: 'authorization_code',
      code: 'c',
      code_verifier: 'v',
      redirect_uri: redirectUri,
      scope: 'read',
      client_id: 'hearflow',
      client_secret: 'client-secret',
      ...lifetimes,
    },
  )
  t.deepEqual(refreshGrantBody(client, 'r', 'read') as object, {
    grant_type: 'refresh_token',
    refresh_token: 'r',
    scope: 'read',
    client_id: 'hearflow',
    client_secret: 'client-secret',
    ...lifetimes,
  })
})

test('any 2xx gives tokens, with their ends counted from the request', (t) => {
  for (const status of [200, 201]) {
    const grant = readTokenAnswer(answer(status, tokens), code)
    t.like(grant, { accessToken: 'access', refreshToken: 'refresh', scope: 'read' })
    t.is(grant.expiresAt?.toISO(), '2026-01-02T00:00:00.000Z')
    t.is(grant.refreshExpiresAt?.toISO(), '2026-01-31T00:00:00.000Z')
  }
})

test('a token of an older client has no end and cannot be refreshed', (t) => {
  const grant = readTokenAnswer(answer(200, { access_token: 'access', token_type: 'bearer' }), code)

  t.deepEqual(grant, {
    accessToken: 'access',
    clientId: 'hearflow',
    refreshToken: null,
    scope: 'read',
    expiresAt: null,
    refreshExpiresAt: null,
  })
})

test('a JWT whose answer does not tell its end tells it itself', (t) => {
  const access_token = jwt({ exp: at.plus({ minutes: 30 }).toUnixInteger() })

  const grant = readTokenAnswer(
    answer(200, { ...tokens, access_token, expires_in: undefined }),
    code,
  )

  t.is(grant.expiresAt?.toISO(), '2026-01-01T00:30:00.000Z')
})

test('dots in a token that is no JWT tell nothing', (t) => {
  for (const access_token of ['a.b.c', jwt({ exp: 'soon' }), 'a.b']) {
    const grant = readTokenAnswer(answer(200, { ...tokens, access_token, expires_in: null }), code)
    t.is(grant.expiresAt, null)
  }
})

const withoutRefreshToken = { ...tokens, refresh_token: undefined }

test('an access token that ends, with no refresh token to follow, is useless', (t) => {
  const cases: [Asked, object][] = [
    [refresh, withoutRefreshToken],
    [refresh, { access_token: 'access' }],
    [code, { ...tokens, refresh_token: null }],
    [code, { ...withoutRefreshToken, expires_in: null, access_token: jwt({ exp: 2e9 }) }],
  ]

  for (const [asked, body] of cases) {
    t.like(
      t.throws(() => readTokenAnswer(answer(200, body), asked)),
      { integrationError: 'refresh_token_missing' },
    )
  }
})

const refuses = test.macro({
  title: (_, status: number, body: object, expected: string) =>
    `${status} ${JSON.stringify(body)} means ${expected}`,
  exec: (t, status: number, body: object, expected: IntegrationErrorCode) => {
    for (const asked of [code, refresh]) {
      const error = t.throws(() => readTokenAnswer(answer(status, body), asked), {
        instanceOf: ZendeskRefusedError,
      })
      t.is(error.integrationError, expected)
      t.notRegex(error.message, /PRIVATE/)
    }
  },
})

const oauthError = (error: string) => ({ error, error_description: 'PRIVATE' })
const noHelpDesk = { error: { title: 'No help desk at acme.zendesk.com', message: 'PRIVATE' } }

test(refuses, 400, oauthError('invalid_grant'), 'credentials_revoked')
test(refuses, 401, oauthError('invalid_grant'), 'credentials_revoked')
test(refuses, 401, oauthError('invalid_client'), 'client_rejected')
test(refuses, 400, oauthError('invalid_client'), 'client_rejected')
test(refuses, 400, oauthError('invalid_scope'), 'scope_insufficient')
test(refuses, 404, noHelpDesk, 'account_changed')

const passes = test.macro({
  title: (_, status: number, body: unknown) => `${status} ${JSON.stringify(body)} is transient`,
  exec: (t, status: number, body: unknown) => {
    t.throws(() => readTokenAnswer(answer(status, body), refresh), {
      instanceOf: ZendeskUnavailableError,
    })
  },
})

test(passes, 500, oauthError('invalid_grant'))
test(passes, 502, '<html>')
test(passes, 503, '')
test(passes, 302, '')
test(passes, 400, oauthError('invalid_request'))
test(passes, 400, oauthError('temporarily_unavailable'))
test(passes, 401, '<html>')
test(passes, 403, 'no')
test(passes, 200, '')
test(passes, 200, '<html>')
test(passes, 200, '{"access_token":"acc')

test('a limit of the token endpoint says when to come back', (t) => {
  const limited = answer(429, 'slow down', { 'retry-after': '30' })

  const error = t.throws(() => readTokenAnswer(limited, refresh), { instanceOf: BudgetSpentError })

  t.is(error.resumeAt.toISOString(), '2026-01-01T00:00:30.000Z')
})

test('a success without a token halts', (t) => {
  t.throws(() => readTokenAnswer(answer(200, { token: 'PRIVATE' }), refresh), {
    instanceOf: ZendeskShapeError,
    message: /token endpoint: .*access_token/,
  })
})
