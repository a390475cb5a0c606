import test from 'ava'
import { type IntegrationErrorCode, ZendeskRefusedError } from '../../src/platform/errors.ts'
import { testGateway } from '../support/gateway.ts'
import { EXPORT, bearer, exportJson, invalidToken } from '../support/zendesk-json.ts'

test('a probe tells who connected, after a look at the export', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get('/api/v2/users/me.json', undefined, bearer('new'))
    .reply(200, { user: { id: 7, authenticity_token: 'x' } })
  host
    .get(EXPORT, undefined, bearer('new'))
    .query((query) => query['per_page'] === '1')
    .reply(200, exportJson())

  t.deepEqual(await zendesk.probe(account, 'new', signal), { userId: 7 })
})

test('a probe leaves the form of the tickets to the run that stores them', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get('/api/v2/users/me.json').reply(200, { user: { id: 7 } })
  host.get(EXPORT).query(true).reply(200, { rows: [] })

  t.deepEqual(await zendesk.probe(account, 'new', signal), { userId: 7 })
})

const probes = test.macro({
  title: (title) => `${title} does not pass the probe`,
  exec: async (
    t,
    me: [number, object],
    exported: [number, object] | null,
    code: IntegrationErrorCode,
  ) => {
    const { zendesk, host, account, signal } = await testGateway(t)
    host.get('/api/v2/users/me.json').reply(...me)
    if (exported !== null)
      host
        .get(EXPORT)
        .query(true)
        .reply(...exported)

    const error = await t.throwsAsync(zendesk.probe(account, 'new', signal), {
      instanceOf: ZendeskRefusedError,
    })

    t.is(error.integrationError, code)
  },
})

const someone: [number, object] = [200, { user: { id: 7 } }]

const forbidden: [number, object] = [403, { error: { title: 'Forbidden', message: 'no' } }]

const unscoped: [number, object] = [
  403,
  { error: 'Forbidden', description: 'You are missing the following required scopes: read' },
]

test(
  'nobody',
  probes,
  [200, { user: { id: null, name: 'Anonymous user' } }],
  null,
  'credentials_revoked',
)

test('a token that is refused', probes, [401, invalidToken], null, 'credentials_revoked')

test('an agent', probes, someone, forbidden, 'role_insufficient')

test('a token without the scope', probes, unscoped, null, 'scope_insufficient')

test('a token without the scope to export', probes, someone, unscoped, 'scope_insufficient')

test('tokens are revoked by their id', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get('/api/v2/oauth/tokens/current.json').reply(200, { token: { id: 31, token: 'x' } })
  host.delete('/api/v2/oauth/tokens/31.json', undefined, bearer('access-1')).reply(204)

  await t.notThrowsAsync(zendesk.revoke(account, signal))
})

test('tokens that are refused already need no revocation', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get('/api/v2/oauth/tokens/current.json').reply(401, invalidToken)
  host.post('/oauth/tokens').reply(400, { error: 'invalid_grant' })

  await t.notThrowsAsync(zendesk.revoke(account, signal))
})

test('a token that may not revoke itself is told', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get('/api/v2/oauth/tokens/current.json').reply(200, { token: { id: 31 } })
  host.delete('/api/v2/oauth/tokens/31.json').reply(403, { error: 'Forbidden' })

  await t.throwsAsync(zendesk.revokeToken(account, 'new', signal), {
    instanceOf: ZendeskRefusedError,
  })
})
