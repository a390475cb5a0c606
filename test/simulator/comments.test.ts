import test from 'ava'
import { PRIVATE_TOKEN, PUBLIC_TOKEN } from '../../src/simulator/world/tokens.ts'
import { commentsOf, deskWith, exportOf, rowsOf } from './support.ts'
import type { Desk, Json } from './support.ts'

const comment = async (desk: Desk, ticketId: number, index: number): Promise<Json> =>
  (await commentsOf(desk, ticketId))[index] ?? {}

/** The first ticket of which all comments fulfil a condition. */
async function ticketWhere(
  desk: Desk,
  isWanted: (comments: readonly Json[], ticket: Json) => boolean,
): Promise<{ ticket: Json; comments: readonly Json[] }> {
  for await (const ticket of exportOf(desk, 'support_type_scope=all')) {
    if (ticket['status'] === 'deleted') continue
    const comments = await commentsOf(desk, ticket['id'])
    if (isWanted(comments, ticket)) return { ticket, comments }
  }
  throw new Error('no such ticket in the simulated account')
}

test('cursor pages of a long ticket are whole, in order, and linked on the last page too', async (t) => {
  const desk = await deskWith(t, { tickets: 10, shape: { bigTickets: 1, deletedShare: 0 } })
  const { ticket } = await ticketWhere(desk, (comments) => comments.length > 100)
  const comments = await commentsOf(desk, ticket['id'])
  const path = `/api/v2/tickets/${String(ticket['id'])}/comments?page%5Bsize%5D=100`
  const first = (await desk.get(path)).json
  const cursor = encodeURIComponent(Buffer.from('place||199').toString('base64'))
  const last = (await desk.get(`${path}&page[after]=${cursor}`)).json

  t.is(comments.length, 250)
  t.is(new Set(comments.map((row) => row['id'])).size, 250)
  const times = comments.map((row) => String(row['created_at']))
  t.deepEqual(times, times.toSorted())
  t.is((first['meta'] as Json)['has_more'], true)
  t.is(rowsOf(last, 'comments').length, 50)
  t.like(last['meta'], { has_more: false })
  t.is(typeof (last['meta'] as Json)['after_cursor'], 'string')
  t.regex(String((last['links'] as Json)['next']), /page%5Bafter%5D=/)
})

test('a page behind the last one is empty and has null cursors', async (t) => {
  const desk = await deskWith(t)
  const cursor = encodeURIComponent(Buffer.from('place||4999').toString('base64'))
  const { json } = await desk.get(`/api/v2/tickets/1/comments?page[size]=10&page[after]=${cursor}`)

  t.deepEqual(json['comments'], [])
  t.deepEqual(json['meta'], { has_more: false, after_cursor: null, before_cursor: null })
  t.deepEqual(json['links'], { prev: null, next: null })
})

test('newest first on request; another sort is refused', async (t) => {
  const desk = await deskWith(t)
  const { ticket, comments } = await ticketWhere(desk, (rows) => rows.length > 3 && rows.length < 9)
  const path = `/api/v2/tickets/${String(ticket['id'])}/comments?page[size]=100`
  const reversed = (await desk.get(`${path}&sort=-created_at`)).json

  t.deepEqual(
    rowsOf(reversed, 'comments').map((row) => row['id']),
    comments.map((row) => row['id']).toReversed(),
  )
  t.is((await desk.get(`${path}&sort=author`)).status, 400)
})

test('offset pages count, link both ways, and stop at depth 100', async (t) => {
  const desk = await deskWith(t, { tickets: 10, shape: { bigTickets: 1, deletedShare: 0 } })
  const { ticket } = await ticketWhere(desk, (comments) => comments.length > 100)
  const path = `/api/v2/tickets/${String(ticket['id'])}/comments.json`
  const second = (await desk.get(`${path}?per_page=100&page=2`)).json
  const deep = await desk.get(`${path}?page=101`)

  t.is(second['count'], 250)
  t.is(rowsOf(second, 'comments').length, 100)
  t.regex(String(second['next_page']), /page=3/)
  t.regex(String(second['previous_page']), /page=1/)
  t.is(deep.status, 400)
  t.is((deep.json['errors'] as Json[])[0]?.['code'], 'InvalidPaginationDepth')
})

test('5,000 comments on one ticket can all be read', async (t) => {
  const desk = await deskWith(t, { tickets: 10, shape: { hugeTickets: 1, deletedShare: 0 } })
  const { comments } = await ticketWhere(desk, (rows) => rows.length > 1000)

  t.is(comments.length, 5000)
})

test('with one page each no ticket has more than a page', async (t) => {
  const shape = { bigTickets: 5, hugeTickets: 2, onePageEach: true }
  const desk = await deskWith(t, { tickets: 60, shape })
  const rows = await Array.fromAsync(exportOf(desk, 'include=comment_count'))

  t.true(rows.every((row) => Number(row['comment_count']) <= 100))
})

test('every comment carries one token, which says whether it was written in public', async (t) => {
  const desk = await deskWith(t, { tickets: 150, shape: { deletedShare: 0 } })
  const tokens: string[] = []
  for await (const ticket of exportOf(desk, 'support_type_scope=all')) {
    for (const row of await commentsOf(desk, ticket['id'])) {
      const found = String(row['body']).match(row['public'] === true ? PUBLIC_TOKEN : PRIVATE_TOKEN)
      tokens.push(...(found ?? ['none']))
      const others = String(row['body']).match(
        row['public'] === true ? PRIVATE_TOKEN : PUBLIC_TOKEN,
      )
      t.is(others, null)
    }
  }

  t.false(tokens.includes('none'))
  t.is(new Set(tokens).size, tokens.length)
})

test('a ticket that is private from the first comment tells it in description and subject', async (t) => {
  const desk = await deskWith(t, { tickets: 200, shape: { privateFromFirstShare: 0.3 } })
  const { ticket, comments } = await ticketWhere(
    desk,
    (rows, row) => rows[0]?.['public'] === false && row['is_public'] === false,
  )
  const mixed = await ticketWhere(
    desk,
    (rows, row) => rows[0]?.['public'] === false && row['is_public'] === true,
  )

  t.true(comments.every((row) => row['public'] === false))
  t.regex(String(ticket['description']), /priv_/)
  t.regex(String(ticket['subject']), /priv_/)
  t.regex(String(mixed.ticket['description']), /priv_/)
  t.notRegex(String(mixed.ticket['subject']), /priv_/)
})

test('a live messaging ticket has one private comment, an ended one a public transcript', async (t) => {
  const desk = await deskWith(t, { tickets: 200, shape: { messagingShare: 0.5 } })
  const live = await ticketWhere(desk, (rows, row) => isMessaging(row) && rows.length === 1)
  const done = await ticketWhere(desk, (rows, row) => isMessaging(row) && rows.length === 2)

  t.is(live.comments[0]?.['public'], false)
  t.deepEqual(
    done.comments.map((row) => [row['public'], row['author_id']]),
    [
      [false, -1],
      [true, -1],
    ],
  )
})

const isMessaging = (ticket: Json): boolean => ticket['from_messaging_channel'] === true

test('the odd shapes of real comments all occur', async (t) => {
  const desk = await deskWith(t, { tickets: 600 })
  const seen = new Set<string>()
  for await (const ticket of exportOf(desk, 'per_page=1000')) {
    if (ticket['status'] === 'deleted') continue
    for (const row of await commentsOf(desk, ticket['id'])) {
      if (!('plain_body' in row)) seen.add('no plain_body')
      if (row['plain_body'] === '' && row['html_body'] !== '') seen.add('empty plain_body')
      if (row['plain_body'] === '' && row['html_body'] === '') seen.add('only body')
      if (String(row['plain_body']).includes('&nbsp;')) seen.add('entities')
      if (String(row['body']).includes('▇')) seen.add('redaction')
      if (row['type'] === 'VoiceComment' && 'data' in row) seen.add('voice')
      if (rowsOf(row, 'attachments').length > 0) seen.add('attachments')
      if (row['author_id'] === -1) seen.add('system')
    }
  }

  t.deepEqual([...seen].toSorted(), [
    'attachments',
    'empty plain_body',
    'entities',
    'no plain_body',
    'only body',
    'redaction',
    'system',
    'voice',
  ])
})

test('authors that were wiped are missing from the sideload and from show_many', async (t) => {
  const desk = await deskWith(t, { tickets: 300 })
  const missing = await missingAuthor(desk)
  const { json } = await desk.get(`/api/v2/users/show_many?ids=${missing}`)

  t.deepEqual(json['users'], [])
  t.is((await desk.get(`/api/v2/users/${missing}`)).status, 404)
})

async function missingAuthor(desk: Desk): Promise<number> {
  for await (const ticket of exportOf(desk, 'exclude_deleted=true')) {
    const { json } = await desk.get(
      `/api/v2/tickets/${String(ticket['id'])}/comments?include=users`,
    )
    const known = new Set(rowsOf(json, 'users').map((user) => user['id']))
    const authors = rowsOf(json, 'comments').map((row) => Number(row['author_id']))
    const missing = authors.find((id) => id !== -1 && !known.has(id))
    if (missing !== undefined) return missing
  }
  throw new Error('no comment of a wiped author')
}

test('a comment made private stays where it was, with a flag', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const before = await comment(desk, 1, 0)
  await desk.simulator.mutate('acme', { kind: 'make_private', ticketId: 1, index: 0 })
  const after = await comment(desk, 1, 0)

  t.is(before['public'], true)
  t.is(after['public'], false)
  t.is(after['id'], before['id'])
  t.is(after['created_at'], before['created_at'])
  t.deepEqual((after['metadata'] as Json)['flags'], [17])
})

test('a redaction replaces each character in all three texts, also on a closed ticket', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  await desk.simulator.mutate('acme', {
    kind: 'add_comment',
    ticketId: 1,
    text: 'My code is 1234 & secret.',
  })
  const index = (await commentsOf(desk, 1)).length - 1
  await desk.simulator.mutate('acme', { kind: 'set_status', ticketId: 1, status: 'closed' })
  await desk.simulator.mutate('acme', { kind: 'redact', ticketId: 1, index, text: '1234' })
  const after = await comment(desk, 1, index)

  for (const name of ['body', 'html_body', 'plain_body']) {
    if (!(name in after) || after[name] === '') continue
    t.regex(String(after[name]), /My code is ▇▇▇▇/)
    t.notRegex(String(after[name]), /1234/)
  }
})

test('a redaction without a text takes all but the token', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  await desk.simulator.mutate('acme', { kind: 'redact', ticketId: 2, index: 0 })

  t.regex(String((await comment(desk, 2, 0))['body']), /^▇+\n\nRef p(ub|riv)_[0-9a-f]{18}$/)
})

test('a redacted attachment becomes redacted.txt', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { index } = await desk.simulator.mutate('acme', {
    kind: 'add_comment',
    ticketId: 3,
    hasAttachment: true,
  })
  const before = await comment(desk, 3, index ?? 0)
  await desk.simulator.mutate('acme', {
    kind: 'redact_attachment',
    ticketId: 3,
    index: index ?? 0,
  })
  const after = await comment(desk, 3, index ?? 0)

  t.is(rowsOf(before, 'attachments')[0]?.['file_name'], 'screenshot.png')
  t.is(rowsOf(after, 'attachments')[0]?.['file_name'], 'redacted.txt')
})

test('a merge closes the source with a tag, and both tickets get a comment', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const [before, target] = [await commentsOf(desk, 4), await commentsOf(desk, 5)]
  await desk.simulator.mutate('acme', { kind: 'merge', ticketId: 4, into: 5, isPublic: true })
  const source = (await desk.get('/api/v2/tickets/4')).json['ticket'] as Json

  t.is(source['status'], 'closed')
  t.true((source['tags'] as string[]).includes('closed_by_merge'))
  t.is((await commentsOf(desk, 4)).length, before.length + 1)
  t.like((await commentsOf(desk, 5)).at(-1), { public: true })
  t.is((await commentsOf(desk, 5)).length, target.length + 1)
})

test('a follow-up is a ticket of its own that both sides name', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { ticketId } = await desk.simulator.mutate('acme', { kind: 'follow_up', ticketId: 6 })
  const old = (await desk.get('/api/v2/tickets/6')).json['ticket'] as Json
  const fresh = (await desk.get(`/api/v2/tickets/${ticketId}`)).json['ticket'] as Json

  t.deepEqual(old['followup_ids'], [ticketId])
  const { source } = fresh['via'] as { source: Json }
  t.is(source['rel'], 'follow_up')
  t.is((source['from'] as Json)['ticket_id'], 6)
  t.is((await commentsOf(desk, ticketId)).length, 1)
})

test('when users are merged their comments get another author', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  const { ticket, comments } = await ticketWhere(
    desk,
    (rows, row) => rows[0]?.['author_id'] === row['requester_id'] && rows[0]?.['public'] === true,
  )
  const userId = Number(comments[0]?.['author_id'])
  const into = userId + 1
  await desk.simulator.mutate('acme', { kind: 'merge_users', userId, into })

  t.is((await comment(desk, Number(ticket['id']), 0))['author_id'], into)
  const { json } = await desk.get(`/api/v2/tickets/${String(ticket['id'])}`)
  t.is((json['ticket'] as Json)['requester_id'], into)
})

test('a deleted user stays readable until it is wiped', async (t) => {
  const desk = await deskWith(t)
  const agent = 36_100_000_000_003
  await desk.simulator.mutate('acme', { kind: 'delete_user', userId: agent })
  const inactive = await desk.get(`/api/v2/users/${agent}`)
  await desk.simulator.mutate('acme', { kind: 'delete_user', userId: agent, permanent: true })

  t.is((inactive.json['user'] as Json)['active'], false)
  t.is((await desk.get(`/api/v2/users/${agent}`)).status, 404)
})
