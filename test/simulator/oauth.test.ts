import test from 'ava'
import {
  authorizeUrl,
  CLIENT,
  codeFor,
  deskWith,
  exchange,
  postToken,
  REDIRECT,
  refresh,
  request,
  simulatorWith,
  tokensFor,
  VERIFIER,
} from './support.ts'

const bearer = (token: unknown): RequestInit => ({
  headers: { Authorization: `Bearer ${String(token)}` },
})

test('consent redirects at once with a code and the state unchanged', async (t) => {
  const { url } = await simulatorWith(t)
  const { status, headers } = await request(authorizeUrl(`${url}/acme`, { state: 'a b/c=' }))
  const location = new URL(headers.get('location') ?? '')

  t.is(status, 302)
  t.is(location.origin + location.pathname, REDIRECT)
  t.is(location.searchParams.get('state'), 'a b/c=')
  t.regex(location.searchParams.get('code') ?? '', /^[0-9a-f]{40}$/)
})

test('a wrong client or redirect address shows a page and never redirects', async (t) => {
  const { url } = await simulatorWith(t)
  for (const change of [{ client_id: '36800000000001' }, { redirect_uri: 'https://evil.test/' }]) {
    const { status, headers, text } = await request(authorizeUrl(`${url}/acme`, change))
    t.true(status >= 400)
    t.is(headers.get('location'), null)
    t.regex(text, /<!doctype html>/)
  }
})

test('redirect addresses are compared exactly when they are listed', async (t) => {
  const { url } = await simulatorWith(t, { client: { redirectUris: [REDIRECT] } })

  t.is((await request(authorizeUrl(`${url}/acme`))).status, 302)
  t.is((await request(authorizeUrl(`${url}/acme`, { redirect_uri: `${REDIRECT}/` }))).status, 400)
})

test('a person can deny, by setting and by the form of the consent page', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  await simulator.setAccount('acme', { consent: 'deny' })
  const denied = await request(authorizeUrl(base))
  await simulator.setAccount('acme', { consent: 'page' })
  const page = await request(authorizeUrl(base))
  const form = new URLSearchParams(new URL(authorizeUrl(base)).search)
  form.set('decision', 'allow')
  const decided = await request(`${base}/oauth/authorizations`, { method: 'POST', body: form })

  const answer = new URL(denied.headers.get('location') ?? '').searchParams
  t.is(answer.get('error'), 'access_denied')
  t.is(answer.get('state'), 'state-1')
  t.is(page.status, 200)
  t.regex(page.text, /name="decision" value="allow"/)
  t.regex(decided.headers.get('location') ?? '', /[?&]code=[0-9a-f]{40}/)
})

test('a scope outside of the list of the client goes back as invalid_scope', async (t) => {
  const { url } = await simulatorWith(t, { client: { scopes: ['read'] } })
  const { headers } = await request(authorizeUrl(`${url}/acme`, { scope: 'read write' }))

  t.is(new URL(headers.get('location') ?? '').searchParams.get('error'), 'invalid_scope')
})

test('a code becomes a pair of tokens with the lifetimes that were asked for', async (t) => {
  const { url } = await simulatorWith(t)
  const base = `${url}/acme`
  const { status, json } = await exchange(base, await codeFor(base))

  t.is(status, 201)
  t.deepEqual(Object.keys(json).toSorted(), [
    'access_token',
    'expires_in',
    'refresh_token',
    'refresh_token_expires_in',
    'scope',
    'token_type',
  ])
  t.is(json['token_type'], 'bearer')
  t.is(json['scope'], 'read write')
  t.is(json['expires_in'], 86_400)
  t.is(json['refresh_token_expires_in'], 2_592_000)
})

test('the token endpoint takes forms as well', async (t) => {
  const { url } = await simulatorWith(t)
  const base = `${url}/acme`
  const body = new URLSearchParams({
    ...CLIENT,
    grant_type: 'authorization_code',
    code: await codeFor(base),
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  })
  const { status, json } = await request(`${base}/oauth/tokens`, { method: 'POST', body })

  t.is(status, 201)
  t.false('expires_in' in json)
})

test('a code works once, for its redirect address and its verifier, for 120 seconds', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  const used = await codeFor(base)
  await exchange(base, used)
  const late = await codeFor(base)
  const wrong = { code_verifier: VERIFIER.toUpperCase() }
  const refusals = [
    await exchange(base, used),
    await exchange(base, await codeFor(base), { redirect_uri: `${REDIRECT}/other` }),
    await exchange(base, await codeFor(base), wrong),
    await exchange(base, await codeFor(base), { code_verifier: undefined }),
    await exchange(base, 'never-issued'),
  ]
  await simulator.advanceClock(120_000)
  refusals.push(await exchange(base, late))

  for (const { status, json } of refusals) {
    t.is(status, 400)
    t.is(json['error'], 'invalid_grant')
  }
})

test('a wrong secret is invalid_client and uses up nothing', async (t) => {
  const { url } = await simulatorWith(t)
  const base = `${url}/acme`
  const code = await codeFor(base)
  const refused = await exchange(base, code, { client_secret: 'wrong' })

  t.is(refused.status, 401)
  t.is(refused.json['error'], 'invalid_client')
  t.regex(refused.headers.get('www-authenticate') ?? '', /^Basic /)
  t.is((await exchange(base, code)).status, 201)
})

const outOfBounds = test.macro(async (t, field: string, value: number) => {
  const { url } = await simulatorWith(t)
  const base = `${url}/acme`
  const { status, json } = await exchange(base, await codeFor(base), { [field]: value })

  t.is(status, 400)
  t.is(json['error'], 'invalid_request')
})

test('an access lifetime of 300 seconds is refused', outOfBounds, 'expires_in', 300)
test('an access lifetime of two days is refused', outOfBounds, 'expires_in', 172_800)
test('a refresh lifetime of a week is refused', outOfBounds, 'refresh_token_expires_in', 604_800)
test('a refresh lifetime of 90 days is refused', outOfBounds, 'refresh_token_expires_in', 7_776_000)

test('a grant type that does not exist is told so', async (t) => {
  const { url } = await simulatorWith(t)
  const { status, json } = await postToken(`${url}/acme`, { grant_type: 'password' })

  t.is(status, 400)
  t.is(json['error'], 'unsupported_grant_type')
})

test('a refresh kills both old tokens at once and a second use is refused', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  const old = await tokensFor(base)
  const fresh = await refresh(base, old['refresh_token'])
  const oldAccess = await request(`${base}/api/v2/groups`, bearer(old['access_token']))
  const newAccess = await request(`${base}/api/v2/groups`, bearer(fresh.json['access_token']))
  const again = await refresh(base, old['refresh_token'])

  t.is(fresh.status, 201)
  t.is(fresh.json['scope'], 'read write')
  t.is(oldAccess.status, 401)
  t.is(oldAccess.json['error'], 'invalid_token')
  t.is(newAccess.status, 200)
  t.is(again.status, 400)
  t.is(again.json['error'], 'invalid_grant')
  const use = await simulator.tokenUse('acme')
  t.is(use.refreshes, 1)
  t.is(use.refreshTokensUsedTwice, 1)
  t.is(use.mostUsesOfOneRefreshToken, 2)
  t.is(use.deadRefreshTokensUsed, 1)
  t.is(use.deadAccessTokensUsed, 1)
  t.is(use.deadAccessTokenUses, 1)
  t.is(use.mostUsesOfOneDeadAccessToken, 1)
  t.is(use.grantsAlive, 1)
})

test('tokens expire with the clock: first the access token, then the refresh token', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  const { access_token, refresh_token } = await tokensFor(base)
  await simulator.advanceClock(86_400_000)
  const expired = await request(`${base}/api/v2/groups`, bearer(access_token))
  const other = await tokensFor(base)
  const inTime = await refresh(base, refresh_token)
  await simulator.advanceClock(2_592_000_000)
  const tooLate = await refresh(base, other['refresh_token'])

  t.is(expired.json['error'], 'invalid_token')
  t.is(inTime.status, 201)
  t.is(tooLate.json['error'], 'invalid_grant')
})

test('access tokens can be made to live shorter than was asked for', async (t) => {
  const simulator = await simulatorWith(t, { settings: { accessTokenSeconds: 2 } })
  const base = `${simulator.url}/acme`
  const { access_token, refresh_token, expires_in } = await tokensFor(base)
  const renewed = (await refresh(base, refresh_token)).json
  const early = await request(`${base}/api/v2/groups`, bearer(renewed['access_token']))
  await simulator.advanceClock(2_000)
  for (const token of [access_token, renewed['access_token'], renewed['access_token']]) {
    t.is((await request(`${base}/api/v2/groups`, bearer(token))).status, 401)
  }

  t.is(expires_in, 2)
  t.is(renewed['expires_in'], 2)
  t.is(early.status, 200)
  t.like(await simulator.tokenUse('acme'), {
    deadAccessTokensUsed: 2,
    deadAccessTokenUses: 3,
    mostUsesOfOneDeadAccessToken: 2,
  })
})

test('a refresh whose answer is lost leaves neither pair usable', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  const old = await tokensFor(base)
  await simulator.setFault({ kind: 'lost_answer', family: 'oauth' })
  await t.throwsAsync(async () => refresh(base, old['refresh_token']))

  t.is((await request(`${base}/api/v2/groups`, bearer(old['access_token']))).status, 401)
  t.is((await refresh(base, old['refresh_token'])).json['error'], 'invalid_grant')
})

test('answers differ by the age of the account: 200, no lifetimes, no refresh token', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  await simulator.setAccount('acme', {
    tokenStatus: 200,
    omitExpiresIn: true,
    omitRefreshToken: true,
  })
  const { status, json } = await exchange(base, await codeFor(base))

  t.is(status, 200)
  t.deepEqual(Object.keys(json).toSorted(), ['access_token', 'scope', 'token_type'])
})

test('long tokens look like a JWT, and expire although the answer does not say so', async (t) => {
  const simulator = await simulatorWith(t)
  const base = `${simulator.url}/acme`
  await simulator.setAccount('acme', { longTokens: true })
  const { json } = await exchange(base, await codeFor(base), { expires_in: undefined })
  const token = String(json['access_token'])
  const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  const early = await request(`${base}/api/v2/groups`, bearer(token))
  await simulator.advanceClock(1_800_000)
  const late = await request(`${base}/api/v2/groups`, bearer(token))

  t.like(header, { typ: 'at+jwt' })
  t.true(token.length > 1500)
  t.false('expires_in' in json)
  t.is(early.status, 200)
  t.is(late.status, 401)
})

test('the current token tells its id and scopes, and dies when deleted by id', async (t) => {
  const desk = await deskWith(t)
  const current = await desk.get('/api/v2/oauth/tokens/current.json')
  const token = current.json['token'] as Record<string, unknown>
  const deleted = await desk.send('DELETE', `/api/v2/oauth/tokens/${String(token['id'])}.json`)

  t.deepEqual(token['scopes'], ['read', 'write'])
  t.is(String(token['token']).length, 10)
  t.is(token['expires_at'], null)
  t.regex(String(token['refresh_token_expires_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.is(deleted.status, 204)
  t.is((await desk.get('/api/v2/groups')).status, 401)
})

test('deleting the current token can answer 204 and do nothing', async (t) => {
  const desk = await deskWith(t)
  await desk.simulator.setAccount('acme', { revokeCurrentDoesNothing: true })

  t.is((await desk.send('DELETE', '/api/v2/oauth/tokens/current')).status, 204)
  t.is((await desk.get('/api/v2/groups')).status, 200)
  await desk.simulator.setAccount('acme', { revokeCurrentDoesNothing: false })
  t.is((await desk.send('DELETE', '/api/v2/oauth/tokens/current')).status, 204)
  t.is((await desk.get('/api/v2/groups')).status, 401)
})

test('a token that only reads may be refused its own revocation', async (t) => {
  const simulator = await simulatorWith(t, { settings: { revokeNeedsWrite: true } })
  const base = `${simulator.url}/acme`
  const code = await codeFor(base, { scope: 'read' })
  const { access_token } = (await exchange(base, code, { scope: 'read' })).json
  const { status } = await request(`${base}/api/v2/oauth/tokens/current`, {
    ...bearer(access_token),
    method: 'DELETE',
  })

  t.is(status, 403)
})

test('a customer who takes the access back turns every call into 401', async (t) => {
  const desk = await deskWith(t)

  t.is(await desk.simulator.revokeTokens('acme'), 1)
  const { status, json } = await desk.get('/api/v2/incremental/tickets/cursor?start_time=0')
  t.is(status, 401)
  t.is(json['error'], 'invalid_token')
})
