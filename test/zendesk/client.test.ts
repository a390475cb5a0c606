import test from 'ava'
import nock from 'nock'
import { TicketId } from '../../src/ids.ts'
import {
  TicketUnreadableError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import { testGateway } from '../support/gateway.ts'
import {
  COMMENTS,
  EXPORT,
  HTML,
  bearer,
  commentJson,
  commentsJson,
  exportJson,
  privateCommentJson,
  userJson,
} from '../support/zendesk-json.ts'

const ticketId = TicketId.parse(42)
const from = { cursor: 'before' }

test('a page of the export is asked for by its cursor, with the stored token', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get(EXPORT, undefined, bearer('access-1'))
    .query({
      cursor: 'before',
      per_page: '500',
      support_type_scope: 'all',
      include: 'comment_count',
    })
    .reply(200, exportJson())

  const page = await zendesk.exportTickets(account, from, { pageSize: 500, signal })

  t.like(page, { afterCursor: 'next', endOfStream: false, pageSize: 500 })
  t.is(page.tickets.length, 1)
})

test('a page larger than Zendesk gives is not asked for', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get(EXPORT)
    .query({
      start_time: '0',
      per_page: '1000',
      support_type_scope: 'all',
      include: 'comment_count',
    })
    .reply(200, exportJson())

  const page = await zendesk.exportTickets(
    account,
    { startAt: new Date(0) },
    { pageSize: 5_000, signal },
  )

  t.is(page.pageSize, 1_000)
})

test('the token goes to the configured host only: no redirect and no link is followed', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const elsewhere = nock('https://elsewhere.example').get(/.*/).reply(200, {})
  host.get(COMMENTS).query(true).times(6).reply(302, '', { location: 'https://elsewhere.example/' })
  host
    .get(EXPORT)
    .query((query) => query['cursor'] === 'before')
    .reply(200, exportJson())
  host
    .get(EXPORT)
    .query((query) => query['cursor'] === 'next')
    .reply(200, exportJson({ end_of_stream: true }))

  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: ZendeskUnavailableError,
    message: /302/,
  })
  const first = await zendesk.exportTickets(account, from, { pageSize: 1, signal })
  await zendesk.exportTickets(account, { cursor: first.afterCursor ?? '' }, { pageSize: 1, signal })

  t.false(elsewhere.isDone())
})

test('all pages of comments are read by their cursors', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const more = { meta: { has_more: true, after_cursor: 'page2' } }
  host
    .get(COMMENTS)
    .query({ page: { size: '100' }, sort: 'created_at', include: 'users' })
    .reply(200, commentsJson([commentJson({ id: 1 }), privateCommentJson({ id: 2 })], more))
  host
    .get(COMMENTS)
    .query({ page: { size: '100', after: 'page2' }, sort: 'created_at', include: 'users' })
    .reply(200, commentsJson([commentJson({ id: 3 })]))

  const read = await zendesk.listComments(account, ticketId, { signal })

  t.deepEqual(
    read?.comments.map((comment) => comment.id),
    [1, 3],
  )
  t.is(read?.privateCount, 1)
  t.deepEqual([...(read?.staffIds ?? [])], [8, 9])
  t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), { comments: 2 })
  t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), {})
})

test('a server that numbers its pages is read to the end', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const numbered = (ids: readonly number[], next_page: string | null) => ({
    comments: ids.map((id) => commentJson({ id })),
    users: [userJson()],
    next_page,
    count: 101,
  })
  const ids = Array.from({ length: 101 }, (_, index) => index + 1)
  host
    .get(COMMENTS)
    .query((query) => query['page'] !== '2')
    .reply(200, numbered(ids.slice(0, 100), 'https://elsewhere.example/?page=9'))
  host
    .get(COMMENTS)
    .query((query) => query['page'] === '2')
    .reply(200, numbered(ids.slice(100), null))

  const read = await zendesk.listComments(account, ticketId, { signal })

  t.deepEqual(
    read?.comments.map((comment) => comment.id),
    ids,
  )
})

test('a ticket with more pages than there can be is unreadable, never cut short', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  let page = 0
  host
    .get(COMMENTS)
    .query(true)
    .times(500)
    .reply(() => {
      page += 1
      const meta = { has_more: true, after_cursor: `page${page}` }
      return [200, commentsJson([commentJson({ id: page })], { meta })]
    })

  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
    instanceOf: TicketUnreadableError,
    message: /ticket 42 has more than 500 pages/,
  })
})

test('a deleted ticket has no comments to read, also between two pages', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const gone = { error: 'RecordNotFound', description: 'Not found' }
  host.get(COMMENTS).query(true).twice().reply(404, gone)
  host
    .get(COMMENTS)
    .query(true)
    .reply(200, commentsJson([commentJson()], { meta: { has_more: true, after_cursor: 'x' } }))
  host.get(COMMENTS).query(true).twice().reply(404, gone)

  t.is(await zendesk.listComments(account, ticketId, { signal }), null)
  t.is(await zendesk.listComments(account, ticketId, { signal }), null)
})

for (const body of ['', 'Not Found', '{}', '{"message":"Not Found"}', HTML]) {
  test(`a 404 that says ${body || 'nothing'} sets the ticket aside after three tries`, async (t) => {
    const { zendesk, host, account, signal } = await testGateway(t)
    host.get(COMMENTS).query(true).times(3).reply(404, body)

    await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), {
      instanceOf: TicketUnreadableError,
      message: /404 for the comments of ticket 42/,
    })
    t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), { comments: 3 })
  })
}

test('one forbidden ticket is set aside; a lost scope and a lost account stop all', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const answers: [number, object][] = [
    [403, { error: { title: 'Forbidden', message: 'You do not have access to this page.' } }],
    [
      403,
      { error: 'Forbidden', description: 'You are missing the following required scopes: read' },
    ],
    [404, { error: { title: 'No help desk at acme.zendesk.com', message: 'no' } }],
  ]
  for (const [status, body] of answers) host.get(COMMENTS).query(true).reply(status, body)
  const list = () => zendesk.listComments(account, ticketId, { signal })

  await t.throwsAsync(list(), { instanceOf: TicketUnreadableError })
  t.like(await t.throwsAsync(list()), { integrationError: 'scope_insufficient' })
  t.like(await t.throwsAsync(list()), { integrationError: 'account_changed' })
})

test('a user who is no administrator any more stops the export', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host
    .get(EXPORT)
    .query(true)
    .reply(403, { error: { title: 'Forbidden', message: 'no' } })

  const error = await t.throwsAsync(zendesk.exportTickets(account, from, { pageSize: 1, signal }))

  t.like(error, { integrationError: 'role_insufficient' })
})

test('a page that came again is asked for again', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const again = { meta: { has_more: true, after_cursor: 'page2' } }
  host
    .get(EXPORT)
    .query(true)
    .reply(200, exportJson({ after_cursor: 'before' }))
  host.get(EXPORT).query(true).reply(200, exportJson())
  for (const id of [1, 1, 1]) {
    host
      .get(COMMENTS)
      .query(true)
      .reply(200, commentsJson([commentJson({ id })], again))
  }
  host
    .get(COMMENTS)
    .query(true)
    .reply(200, commentsJson([commentJson({ id: 2 })]))

  const page = await zendesk.exportTickets(account, from, { pageSize: 1, signal })
  const read = await zendesk.listComments(account, ticketId, { signal })

  t.is(page.afterCursor, 'next')
  t.deepEqual(
    read?.comments.map((comment) => comment.id),
    [1, 2],
  )
})

test('a cursor that never moves halts', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  const stuck = { meta: { has_more: true, after_cursor: 'page2' } }
  host
    .get(EXPORT)
    .query(true)
    .times(3)
    .reply(200, exportJson({ after_cursor: 'before' }))
  host
    .get(COMMENTS)
    .query(true)
    .times(4)
    .reply(200, commentsJson([commentJson()], stuck))
  const halts = { instanceOf: ZendeskShapeError, message: /not move/ }

  await t.throwsAsync(zendesk.exportTickets(account, from, { pageSize: 1, signal }), halts)
  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), halts)
})

test('comments whose cursors lead in a circle halt', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  for (const after_cursor of ['a', 'b', 'a', 'b', 'a']) {
    host
      .get(COMMENTS)
      .query(true)
      .reply(200, commentsJson([commentJson()], { meta: { has_more: true, after_cursor } }))
  }

  const reading = zendesk.listComments(account, ticketId, { signal })

  await t.throwsAsync(reading, { instanceOf: ZendeskShapeError, message: /not move/ })
})

test('a shape that we do not know halts without a retry', async (t) => {
  const { zendesk, host, account, signal } = await testGateway(t)
  host.get(EXPORT).query(true).reply(200, { rows: [] })

  await t.throwsAsync(zendesk.exportTickets(account, from, { pageSize: 1, signal }), {
    instanceOf: ZendeskShapeError,
  })
})

test('who is stopped gets the reason, and no request goes out', async (t) => {
  const { zendesk, account } = await testGateway(t)
  const signal = AbortSignal.abort(new Error('stopped'))

  await t.throwsAsync(zendesk.listComments(account, ticketId, { signal }), { message: 'stopped' })
  t.deepEqual(await zendesk.storeRequestCounts(account.integrationId), {})
})
