import test from 'ava'
import { DateTime } from 'luxon'
import { TicketId } from '../../src/ids.ts'
import { BudgetSpentError, ZendeskUnavailableError } from '../../src/platform/errors.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import { aGrant, testGateway } from '../support/gateway.ts'
import {
  COMMENTS,
  EXPORT,
  HTML,
  commentJson,
  commentsJson,
  exportJson,
} from '../support/zendesk-json.ts'

const ticketId = TicketId.parse(42)
const from = { cursor: 'before' }

const passes = test.macro({
  title: (title) => `${title} passes by`,
  exec: async (t, status: number, body: string, headers: Record<string, string> = {}) => {
    const { zendesk, host, account, signal } = await testGateway(t)
    host.get(COMMENTS).query(true).twice().reply(status, body, headers)
    host
      .get(COMMENTS)
      .query(true)
      .reply(200, commentsJson([commentJson()]))

    t.is((await zendesk.listComments(account, ticketId, { signal }))?.comments.length, 1)
  },
})

test('a 500', passes, 500, HTML)

test('a 502', passes, 502, HTML)

test('a 503 without a Retry-After', passes, 503, '')

test('a 409', passes, 409, '{"error":"Conflict"}')

test('an HTML 200', passes, 200, HTML)

test('an empty 200', passes, 200, '')

test('a 200 whose JSON is cut', passes, 200, '{"comments":[{"id":1,')

test('a 404 page of a proxy', passes, 404, HTML)

test('a 403 page of a proxy', passes, 403, HTML)

test('a 429', passes, 429, '{"error":"APIRateLimitExceeded"}', { 'retry-after': '0.01' })

test('a 429 in HTML without a Retry-After', passes, 429, HTML)

test('a 503 with a Retry-After', passes, 503, HTML, { 'retry-after': '0' })

test('a lost connection passes by', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get(COMMENTS)
    .query(true)
    .replyWithError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
  host.get(COMMENTS).query(true).reply(200, commentsJson([]))

  t.deepEqual((await zendesk.listComments(account, ticketId, { signal }))?.comments, [])
})

test('that a ticket is gone is believed when it is said twice', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const gone = { error: 'RecordNotFound', description: 'Not found' }
  host.get(COMMENTS).query(true).reply(404, gone)
  host.get(COMMENTS).query(true).reply(200, commentsJson([]))
  host.get(COMMENTS).query(true).twice().reply(404, gone)

  t.deepEqual((await zendesk.listComments(account, ticketId, { signal }))?.comments, [])
  t.is(await zendesk.listComments(account, ticketId, { signal }), null)
})

test('a 404 of the token endpoint is no word on the ticket', async (t) => {
  const expiresAt = DateTime.utc().minus({ minutes: 1 })
  const { zendesk, host, account, signal } = await testGateway(t, { grant: aGrant({ expiresAt }) })
  host.post('/oauth/tokens').times(6).reply(404, HTML)

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: ZendeskUnavailableError,
  })

  t.is(error.status, undefined)
})

test('after six tries patience ends, with the last status', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get(COMMENTS).query(true).times(6).reply(502, HTML)

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: ZendeskUnavailableError,
  })

  t.is(error.status, 502)
  t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), { comments: 6 })
})

test('a gateway timeout halves the page until it comes', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const sized = (per_page: string) =>
    host.get(EXPORT).query((query) => query['per_page'] === per_page)
  sized('1000').reply(504, 'upstream request timeout')
  sized('500').reply(504, 'upstream request timeout')
  sized('250').reply(200, exportJson())

  const told: number[] = []
  const onSmaller = (size: number) => told.push(size)
  const page = await zendesk.exportTickets(account, from, { pageSize: 1_000, signal, onSmaller })

  t.is(page.pageSize, 250)
  t.deepEqual(told, [500, 250])
})

test('a long Retry-After gives the worker back, and nobody asks again before', async (t) => {
  const { zendesk, host, account, db, config, signal } = await testGateway(t)
  host
    .get(COMMENTS)
    .query(true)
    .reply(
      429,
      '{"error":"x","description":"Number of allowed API requests per minute exceeded"}',
      {
        'retry-after': '300',
      },
    )
  const otherWorker = new ZendeskClient({ db, config })
  t.teardown(() => otherWorker[Symbol.asyncDispose]())

  const error = await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: BudgetSpentError,
  })
  await t.throwsAsync(otherWorker.listComments(account, ticketId, { signal }), {
    instanceOf: BudgetSpentError,
  })

  const inMs = error.resumeAt.getTime() - Date.now()
  t.true(inMs > 290_000 && inMs < 310_000)
})

test('a limit of exports leaves the comments free', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get(EXPORT)
    .query(true)
    .reply(
      429,
      '{"error":"APIRateLimitExceeded","description":"Number of allowed incremental export API requests per minute exceeded"}',
      {
        'retry-after': '300',
      },
    )
  host.get(COMMENTS).query(true).reply(200, commentsJson([]))

  await t.throwsAsync(zendesk.exportTickets(account, from, { pageSize: 1, signal }), {
    instanceOf: BudgetSpentError,
  })

  t.truthy(await zendesk.listComments(account, ticketId, { signal }))
})

test('limits are learnt from what answers tell', async (t) => {
  const { zendesk, host, account, db, signal } = await testGateway(t)
  host.get(COMMENTS).query(true).reply(200, commentsJson([]), { 'X-Rate-Limit': '700' })
  host.get(EXPORT).query(true).reply(200, exportJson(), {
    'X-Rate-Limit': '10',
    'Zendesk-RateLimit-incremental-exports': 'total=30; remaining=29; resets=2',
  })

  await zendesk.listComments(account, ticketId, { signal })
  await zendesk.exportTickets(account, from, { pageSize: 1, signal })

  const rows = await db
    .selectFrom('budget')
    .select(['family', 'limitPerMinute'])
    .orderBy('family')
    .execute()
  t.deepEqual(rows, [
    { family: 'account', limitPerMinute: 700 },
    { family: 'incremental', limitPerMinute: 30 },
  ])
})

test('who is stopped between two tries gets the reason', async (t) => {
  const { zendesk, host, account } = await testGateway(t, {
    environment: { ZENDESK_MINUTE_MS: '60000' },
  })
  const controller = new AbortController()
  host
    .get(COMMENTS)
    .query(true)
    .reply(() => {
      setImmediate(() => controller.abort(new Error('stopped')))
      return [500, HTML]
    })

  const list = zendesk.listComments(account, ticketId, { signal: controller.signal })

  await t.throwsAsync(list, { message: 'stopped' })
})
