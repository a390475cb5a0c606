import test from 'ava'
import { DateTime } from 'luxon'
import type nock from 'nock'
import { TicketId } from '../../src/ids.ts'
import {
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import { aGrant, storeGrant, testGateway } from '../support/gateway.ts'
import {
  COMMENTS,
  HTML,
  bearer,
  commentsJson,
  invalidToken,
  pairJson,
} from '../support/zendesk-json.ts'

const ME = '/api/v2/users/me.json'
const OWNER = 7
const owner = { user: { id: OWNER, name: 'NAME-SECRET' } }
const stranger = { user: { id: 8, name: 'NAME-SECRET' } }
const nobody = { user: { id: null, name: 'Anonymous user' } }
const noHelpDesk = { error: { title: 'No help desk at acme.zendesk.com', message: 'no' } }

const ticketId = TicketId.parse(42)
const pinned = { userId: OWNER }
/** A minute of the real length: what is confirmed stays so for the whole test. */
const lasting = { ...pinned, environment: { ZENDESK_MINUTE_MS: '60000' } }
const overdue = () => aGrant({ expiresAt: DateTime.utc() })

const changed = { instanceOf: ZendeskRefusedError, message: /renamed.*new subdomain.*connect it/ }

/** All requests that came to the account, in their order. */
function recorded(host: nock.Scope): string[] {
  const paths: string[] = []
  host.on('request', ({ method, url }: Request) => {
    paths.push(`${method} ${new URL(url).pathname}`)
  })
  return paths
}

test('an account says who it is before anything else is asked, once for many requests', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  const paths = recorded(host)
  host.get(ME, undefined, bearer('access-1')).reply(200, owner)
  host.get(COMMENTS).query(true).times(9).reply(200, commentsJson([]))
  const list = () => zendesk.listComments(account, ticketId, { signal })

  await Promise.all(Array.from({ length: 8 }, list))
  await list()

  t.is(paths[0], `GET ${ME}`)
  t.is(paths.filter((path) => path.endsWith(ME)).length, 1)
  t.is(paths.length, 10)
})

test('each reading of the integration asks anew: a slice begins with the question', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  host.get(ME).twice().reply(200, owner)
  host.get(COMMENTS).query(true).twice().reply(200, commentsJson([]))

  await zendesk.listComments(account, ticketId, { signal })
  t.truthy(await zendesk.listComments({ ...account }, ticketId, { signal }))
})

test('what was confirmed two minutes ago is asked again', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, {
    ...pinned,
    environment: { ZENDESK_MINUTE_MS: '10' },
  })
  const paths = recorded(host)
  host.get(ME).times(20).optionally().reply(200, owner)
  host.get(COMMENTS).query(true).twice().reply(200, commentsJson([]))

  await zendesk.listComments(account, ticketId, { signal })
  const before = paths.length
  await new Promise((resolve) => setTimeout(resolve, 25))
  await zendesk.listComments(account, ticketId, { signal })

  t.is(paths[before], `GET ${ME}`)
})

test('where nobody knows who consented, nobody is asked', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get(COMMENTS).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

test('after a refresh the account says again who it is, before the request goes on', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  const paths = recorded(host)
  host.get(ME, undefined, bearer('access-1')).reply(200, owner)
  host.get(COMMENTS, undefined, bearer('access-1')).query(true).reply(401, invalidToken)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, owner)
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
  t.deepEqual(paths, [
    `GET ${ME}`,
    `GET ${COMMENTS}`,
    'POST /oauth/tokens',
    `GET ${ME}`,
    `GET ${COMMENTS}`,
  ])
})

test('a refresh that is due comes first, for nothing can be asked with a dead token', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, { ...lasting, grant: overdue() })
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, owner)
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

const strangers: readonly (readonly [title: string, status: number, body: object])[] = [
  ['an account that answers as another user', 200, stranger],
  ['an account that is gone', 404, noHelpDesk],
]

for (const [title, status, body] of strangers) {
  test(`${title} gets no token again: not for requests that wait, not to refresh`, async (t) => {
    const { zendesk, host, account, db, config, signal } = await testGateway(t, lasting)
    const paths = recorded(host)
    host.get(ME).reply(status, body)
    const list = () => zendesk.listComments(account, ticketId, { signal })

    const errors = await Promise.all(
      Array.from({ length: 8 }, async () => t.throwsAsync(list(), changed)),
    )
    // Now a refresh is due, too.
    await storeGrant(db, config, account, overdue())
    errors.push(await t.throwsAsync(list(), changed))
    errors.push(await t.throwsAsync(zendesk.renewToken(account, signal), changed))

    for (const error of errors) t.like(error, { integrationError: 'account_changed' })
    t.deepEqual(paths, [`GET ${ME}`])
  })
}

test('requests that wait for a permit or another try are not sent when the account has changed', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, pinned)
  const paths = recorded(host)
  host.get(ME).times(20).optionally().reply(200, owner)
  host.get(COMMENTS).query(true).reply(404, noHelpDesk)
  // Those that were sent before that is known.
  host.get(COMMENTS).query(true).times(3).delay(100).optionally().reply(500, HTML)

  const all = await Promise.allSettled(
    Array.from({ length: 4 }, () => zendesk.listComments(account, ticketId, { signal })),
  )

  for (const one of all) {
    t.is(one.status, 'rejected')
    t.like(one.status === 'rejected' ? one.reason : {}, { integrationError: 'account_changed' })
  }
  t.true(paths.filter((path) => !path.endsWith(ME)).length <= 4)
})

test('an account that is gone is found out by the refresh as well', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, { ...lasting, grant: overdue() })
  const paths = recorded(host)
  host.post('/oauth/tokens').reply(404, noHelpDesk)
  const list = () => zendesk.listComments(account, ticketId, { signal })

  const first = await t.throwsAsync(list(), changed)
  await t.throwsAsync(list(), changed)

  t.like(first, { integrationError: 'account_changed' })
  t.deepEqual(paths, ['POST /oauth/tokens'])
})

test('an account that changed during a refresh gets its new token once, to say who it is', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, { ...lasting, grant: overdue() })
  const paths = recorded(host)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, stranger)

  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), changed)
  t.deepEqual(paths, ['POST /oauth/tokens', `GET ${ME}`])
})

test('nobody is not somebody else: the token is read again, refreshed once, then given up', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  host.get(ME, undefined, bearer('access-1')).reply(200, nobody)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, nobody)

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }))

  t.like(error, { integrationError: 'credentials_revoked' })
})

test('a token that nobody knew is used again once the refresh has mended it', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  host.get(ME, undefined, bearer('access-1')).reply(200, nobody)
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, owner)
  host.get(COMMENTS, undefined, bearer('access-2')).query(true).reply(200, commentsJson([]))

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

const refuses = test.macro({
  title: (title) => `${title} stops with its reason`,
  exec: async (t, status: number, body: object, code: IntegrationErrorCode) => {
    const { zendesk, host, account, signal } = await testGateway(t, lasting)
    host.get(ME).reply(status, body)

    const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }))

    t.like(error, { integrationError: code })
  },
})

test(
  'a user who may not even see himself',
  refuses,
  403,
  { error: { title: 'Forbidden', message: 'no' } },
  'role_insufficient',
)

test(
  'a token without the scope to see its user',
  refuses,
  403,
  { error: 'Forbidden', description: 'You are missing the following required scopes: read' },
  'scope_insufficient',
)

test('an answer of another form halts, and shows nothing of it', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, lasting)
  host.get(ME).reply(200, { user: { id: 'seven', name: 'NAME-SECRET' } })

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: ZendeskShapeError,
  })

  t.regex(error.message, /user\.id/)
  t.notRegex(error.message, /SECRET|seven/)
})

test('an outage of the question is waited for with the patience of one call, by all who wait', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t, pinned)
  const paths = recorded(host)
  host.get(ME).times(6).reply(502, HTML)

  const all = await Promise.allSettled(
    Array.from({ length: 4 }, () => zendesk.listComments(account, ticketId, { signal })),
  )

  for (const one of all) {
    t.true(one.status === 'rejected' && one.reason instanceof ZendeskUnavailableError)
  }
  t.is(paths.length, 6)
})

for (const body of [HTML, '{"error":"RecordNotFound"}']) {
  test(`a 404 that says ${body} to the question is no ticket's fault`, async (t) => {
    const { zendesk, host, account, signal } = await testGateway(t, pinned)
    host.get(ME).times(7).reply(404, body)
    host.get(ME).times(20).optionally().reply(200, owner)
    host.get(COMMENTS).query(true).reply(200, commentsJson([]))

    await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
      instanceOf: ZendeskUnavailableError,
      message: /404 for the user of the token/,
    })
    t.truthy(await zendesk.listComments(account, ticketId, { signal }))
  })
}

test('a renewed token says whose it is, and one of somebody else is not used', async (t) => {
  const { zendesk, host, account, db, config, signal } = await testGateway(t, lasting)
  const other = new ZendeskClient({ db, config })
  t.teardown(() => other[Symbol.asyncDispose]())
  host.post('/oauth/tokens').reply(200, pairJson(2))
  host.get(ME, undefined, bearer('access-2')).reply(200, owner)
  host.post('/oauth/tokens').reply(200, pairJson(3))
  host.get(ME, undefined, bearer('access-3')).reply(200, stranger)

  await zendesk.renewToken(account, signal)
  await t.throwsAsync(other.renewToken({ ...account }, signal), changed)
})
