import test from 'ava'
import { DateTime } from 'luxon'
import { destroyCredential, readCredential } from '../../src/credential/store.ts'
import { TicketId } from '../../src/ids.ts'
import {
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import { aGrant, storeGrant, testGateway } from '../support/gateway.ts'
import { until } from '../support/truth.ts'
import {
  COMMENTS,
  HTML,
  bearer,
  commentsJson,
  invalidToken,
  pairJson,
} from '../support/zendesk-json.ts'

const ticketId = TicketId.parse(42)

test('a token that another worker has replaced is read again, without a refresh', async (t) => {
  // In a minute of its full length the old one is held until Zendesk refuses it.
  const environment = { ZENDESK_MINUTE_MS: '60000' }
  const { zendesk, host, account, db, config, signal } = await testGateway(t, { environment })
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).reply(200, commentsJson([]))
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).reply(401, invalidToken)
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))
  await zendesk.listComments(account, ticketId, { signal })
  await storeGrant(
    db,
    config,
    account,
    aGrant({ accessToken: 'access-2', refreshToken: 'refresh-2' }),
  )

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

test('a refused token is refreshed once, and the new pair is stored and used', async (t) => {
  const { zendesk, host, account, db, config, signal } = await testGateway(t)
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).reply(401, invalidToken)
  host
    .post('/oauth/tokens', {
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      scope: 'read',
      client_id: 'hearflow',
      client_secret: 'client-secret',
      expires_in: 86_400,
      refresh_token_expires_in: 2_592_000,
    })
    .reply(201, pairJson(2))
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))

  t.like(await readCredential(db, config.secrets.encryptionKeys, account.integrationId), {
    accessToken: 'access-2',
    refreshToken: 'refresh-2',
  })
  t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), { comments: 2, oauth: 1 })
})

test('a new token that is refused as well ends it, after one refresh', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get(COMMENTS).query(true).twice().reply(401, invalidToken)
  host.post('/oauth/tokens').reply(200, pairJson(2))

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: ZendeskRefusedError,
  })

  t.is(error.integrationError, 'credentials_revoked')
})

test('requests in flight that are all refused share one refresh', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).times(8).reply(401, invalidToken)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host
    .get(COMMENTS, undefined, bearer('access-2'))
    .query(true)
    .times(8)
    .reply(200, commentsJson([]))

  const all = await Promise.all(
    Array.from({ length: 8 }, () => zendesk.listComments(account, ticketId, { signal })),
  )

  t.is(all.length, 8)
})

test('a token about to end is refreshed ahead, once over two workers', async (t) => {
  const grant = aGrant({ expiresAt: DateTime.utc().plus({ milliseconds: 1 }) })
  const { zendesk, host, account, db, config, signal } = await testGateway(t, { grant })
  const otherWorker = new ZendeskClient({ db, config })
  t.teardown(() => otherWorker[Symbol.asyncDispose]())
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).twice().reply(200, commentsJson([]))

  await Promise.all([
    zendesk.listComments(account, ticketId, { signal }),
    otherWorker.listComments(account, ticketId, { signal }),
  ])

  t.is(
    ((await zendesk.storeRequestCounts(account.integrationId))['oauth'] ?? 0) +
      ((await otherWorker.storeRequestCounts(account.integrationId))['oauth'] ?? 0),
    1,
  )
})

test('a token endpoint that is down is tried again', async (t) => {
  const grant = aGrant({ expiresAt: DateTime.utc() })
  const { zendesk, host, account, signal } = await testGateway(t, { grant })
  host.post('/oauth/tokens').twice().reply(502, HTML)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

const stops = test.macro({
  title: (_, status: number, body: object, code: string) =>
    `a refresh answered by ${status} ${JSON.stringify(body)} ends in ${code}`,
  exec: async (t, status: number, body: object, code: IntegrationErrorCode) => {
    const grant = aGrant({ expiresAt: DateTime.utc() })
    const { zendesk, host, account, signal } = await testGateway(t, { grant })
    host.post('/oauth/tokens').reply(status, body)

    const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
      instanceOf: ZendeskRefusedError,
    })

    t.is(error.integrationError, code)
  },
})

test(stops, 400, { error: 'invalid_grant' }, 'credentials_revoked')

test(stops, 401, { error: 'invalid_client' }, 'client_rejected')

test(stops, 400, { error: 'invalid_scope' }, 'scope_insufficient')

test(stops, 200, { access_token: 'access-2', scope: 'read' }, 'refresh_token_missing')

test('a token without an end is used without a refresh', async (t) => {
  const grant = aGrant({ refreshToken: null, expiresAt: null, refreshExpiresAt: null })
  const { zendesk, host, account, signal } = await testGateway(t, { grant })
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

test('an integration without a credential asks to connect', async (t) => {
  const { zendesk, account, signal } = await testGateway(t, { grant: null })

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }))

  t.like(error, { integrationError: 'credentials_revoked' })
})

test('a code is exchanged once, whatever the answer', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const exchange = { code: 'code-1', codeVerifier: 'verifier', redirectUri: 'http://localhost/cb' }
  host
    .post(
      '/oauth/tokens',
      (body: Record<string, unknown>) =>
        body['code'] === 'code-1' && body['code_verifier'] === 'verifier',
    )
    .reply(201, pairJson(1))
  host.post('/oauth/tokens').reply(500, HTML)

  const grant = await zendesk.exchangeCode(account, exchange, signal)

  t.is(grant.accessToken, 'access-1')
  await t.throwsAsync(zendesk.exchangeCode(account, exchange, signal), {
    instanceOf: ZendeskUnavailableError,
  })
})

for (const [what, status] of [
  ['is down', 502],
  ['asks to wait', 429],
] as const) {
  test(`a token that still lives is used on while the token endpoint ${what}`, async (t) => {
    const grant = aGrant({ expiresAt: DateTime.utc().plus({ minutes: 1 }) })
    const { zendesk, host, account, db, signal } = await testGateway(t, {
      grant,
      environment: { ZENDESK_MINUTE_MS: '60000' },
    })
    const refreshedAt = DateTime.utc().minus({ days: 1 }).toJSDate()
    await db.updateTable('credential').set({ refreshedAt }).execute()
    host.post('/oauth/tokens').reply(status, HTML, { 'retry-after': '60' })
    host
      .get(COMMENTS, undefined, bearer('access-1'))
      .query(true)
      .twice()
      .reply(200, commentsJson([]))

    await zendesk.listComments(account, ticketId, { signal })
    t.truthy(await zendesk.listComments(account, ticketId, { signal }))
  })
}

test('a refresh ahead of time waits for what was sent with the old token', async (t) => {
  const { zendesk, host, account, db, config, signal } = await testGateway(t, {
    environment: { ZENDESK_MINUTE_MS: '60000' },
  })
  // From half of its life on, the token is to be replaced.
  const expiresAt = DateTime.utc().plus({ seconds: 20 })
  await db.updateTable('credential').set({ expiresAt: expiresAt.toJSDate() }).execute()
  const order: string[] = []
  const arrived = Promise.withResolvers<void>()
  const waiting = Promise.withResolvers<void>()
  host
    .get(COMMENTS, undefined, bearer('access-1'))
    .query(true)
    .reply(200, async () => {
      arrived.resolve()
      await waiting.promise
      order.push('answered')
      return commentsJson([])
    })
  host.post('/oauth/tokens').reply(200, () => {
    order.push('refreshed')
    return pairJson(2)
  })
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))
  const first = zendesk.listComments(account, ticketId, { signal })
  await arrived.promise

  await until(() => Promise.resolve(expiresAt.diffNow().as('seconds') < 9.9))
  const second = zendesk.listComments(account, ticketId, { signal })
  waiting.resolve()
  await Promise.all([first, second])

  t.deepEqual(order, ['answered', 'refreshed'])
  t.like(await readCredential(db, config.secrets.encryptionKeys, account.integrationId), {
    accessToken: 'access-2',
  })
})

test('a token whose credential was destroyed is used no longer than it is held', async (t) => {
  const { zendesk, host, account, db, signal } = await testGateway(t)
  host
    .get(COMMENTS, undefined, bearer('access-1'))
    .query(true)
    .optionally()
    .times(100_000)
    .reply(200, commentsJson([]))
  await zendesk.listComments(account, ticketId, { signal })
  await db.transaction().execute((trx) => destroyCredential(trx, account.integrationId))

  let failure: unknown
  await until(async () => {
    await zendesk.listComments(account, ticketId, { signal }).catch((error: unknown) => {
      failure = error
    })
    return failure !== undefined
  })

  t.like(failure, { integrationError: 'credentials_revoked' })
  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }))
})
