import test from 'ava'
import { isInScope } from '../../src/simulator/oracle.ts'
import type { ExpectedTranscript } from '../../src/simulator/oracle.ts'
import { PRIVATE_TOKEN, PUBLIC_TOKEN, tokenSource } from '../../src/simulator/world/tokens.ts'
import { commentsOf, deskWith, exportOf, rowsOf } from './support.ts'
import type { Desk, Json } from './support.ts'

const EVER = { from: new Date(0) }

/** What a faithful reader would publish: the truth as the API tells it. */
async function crawl(desk: Desk): Promise<ExpectedTranscript[]> {
  const found = new Map<number, ExpectedTranscript>()
  for await (const ticket of exportOf(desk, 'support_type_scope=all')) {
    const ticketId = Number(ticket['id'])
    found.delete(ticketId)
    if (ticket['status'] === 'deleted') continue
    const roles = await rolesOf(desk, ticketId)
    const comments = (await commentsOf(desk, ticketId))
      .filter((comment) => comment['public'] === true)
      .map((comment) => ({
        id: Number(comment['id']),
        publicToken: String(comment['body']).match(PUBLIC_TOKEN)?.at(-1) ?? null,
        role: roles.get(Number(comment['author_id'])) ?? 'customer',
        isAuthorMissing: !roles.has(Number(comment['author_id'])),
        at: String(comment['created_at']),
      }))
    if (comments.length === 0) continue
    const { subject, tags } = ticket as { subject: string; tags: string[] }
    found.set(ticketId, { ticketId, subject, tags, comments })
  }
  return [...found.values()]
}

async function rolesOf(
  desk: Desk,
  ticketId: number,
): Promise<Map<number, 'agent' | 'customer' | 'system'>> {
  const { json } = await desk.get(`/api/v2/tickets/${ticketId}/comments?include=users`)
  const roles = rowsOf(json, 'users').map(
    (user) => [Number(user['id']), user['role'] === 'end-user' ? 'customer' : 'agent'] as const,
  )
  return new Map([...roles, [-1, 'system'] as const])
}

function expectedOf(desk: Desk): ExpectedTranscript[] {
  return [...desk.simulator.expectedTranscripts('acme', EVER)]
}

const SMALL = { tickets: 120, shape: { bigTickets: 0, privateFromFirstShare: 0.1 } } as const

test('the oracle expects what the API tells, ticket by ticket and comment by comment', async (t) => {
  const desk = await deskWith(t, SMALL)

  t.deepEqual(expectedOf(desk), await crawl(desk))
})

test('the oracle and the API agree after everything that can happen to tickets', async (t) => {
  const desk = await deskWith(t, { ...SMALL, shape: { ...SMALL.shape, deletedShare: 0 } })
  const { mutate, advanceClock } = desk.simulator
  await mutate('acme', { kind: 'add_comment', ticketId: 1, by: 'agent' })
  await mutate('acme', { kind: 'add_comment', ticketId: 2, isPublic: false, by: 'agent' })
  await mutate('acme', { kind: 'add_comment', ticketId: 3, by: 'system' })
  await mutate('acme', { kind: 'make_private', ticketId: 4, index: 0 })
  await mutate('acme', { kind: 'redact', ticketId: 5, index: 0 })
  await mutate('acme', { kind: 'redact', ticketId: 6, index: 0, text: 'Ref pub_' })
  await mutate('acme', { kind: 'delete', ticketId: 7 })
  await mutate('acme', { kind: 'mark_as_spam', ticketId: 8 })
  await mutate('acme', { kind: 'merge', ticketId: 9, into: 10, isPublic: true })
  await mutate('acme', { kind: 'follow_up', ticketId: 11 })
  await mutate('acme', { kind: 'create', isPublic: false })
  await mutate('acme', { kind: 'set_tags', ticketId: 12, tags: ['NEW'] })
  await mutate('acme', { kind: 'change_requester', ticketId: 13, userId: 36_100_000_001_004 })
  await mutate('acme', { kind: 'delete_user', userId: 36_100_000_000_003, permanent: true })
  await mutate('acme', { kind: 'delete', ticketId: 14 })
  await mutate('acme', { kind: 'restore', ticketId: 14 })
  await advanceClock(61_000)
  const withoutRoles = (transcripts: readonly ExpectedTranscript[]): unknown =>
    transcripts.map(({ comments, ...rest }) => ({
      ...rest,
      comments: comments.map(({ role, ...comment }) => ({
        ...comment,
        role: comment.isAuthorMissing ? 'unknown' : role,
      })),
    }))

  t.deepEqual(withoutRoles(expectedOf(desk)), withoutRoles(await crawl(desk)))
})

test('only tickets that changed since an instant are expected', async (t) => {
  const desk = await deskWith(t, { tickets: 100, days: 100, shape: { deletedShare: 0 } })
  const from = new Date(Date.now() - 50 * 86_400_000)
  const expected = [...desk.simulator.expectedTranscripts('acme', { from })]
  const rows = await Array.fromAsync(exportOf(desk, 'support_type_scope=all'))
  const since = rows.filter((row) => Number(row['generated_timestamp']) * 1000 >= from.getTime())
  const changed = new Set(since.map((row) => row['id']))

  t.true(expected.length > 30 && expected.length < 60)
  t.true(expected.every(({ ticketId }) => changed.has(ticketId)))
})

const inScope = test.macro((t, filter: Parameters<typeof isInScope>[1], expected: boolean) => {
  t.is(isInScope({ tags: ['vip', 'Billing'], groupId: 7 }, filter), expected)
})

test('empty lists let all pass', inScope, { includeTags: [], excludeTags: [] }, true)
test('a shared tag lets pass, whatever its case', inScope, { includeTags: ['BILLING'] }, true)
test('no shared tag keeps out', inScope, { includeTags: ['other'] }, false)
test(
  'an excluded tag keeps out',
  inScope,
  { includeTags: ['vip'], excludeTags: ['billing'] },
  false,
)
test('the group lets pass', inScope, { includeGroupIds: [1, 7] }, true)
test('another group keeps out', inScope, { includeGroupIds: [1] }, false)

test('withdrawn texts are no longer what the API shows in public', async (t) => {
  const desk = await deskWith(t, { tickets: 30, shape: { deletedShare: 0, bigTickets: 0 } })
  const { mutate } = desk.simulator
  const [first] = await commentsOf(desk, 1)
  await mutate('acme', { kind: 'make_private', ticketId: 1, index: 0 })
  await mutate('acme', { kind: 'redact', ticketId: 2, index: 0 })
  await mutate('acme', { kind: 'delete', ticketId: 3 })
  const withdrawn = [...desk.simulator.withdrawnTexts('acme')]
  const open = new Set(['body', 'html_body', 'plain_body'])
  const shown = JSON.stringify(await publicTexts(desk, 30, open))

  t.true(withdrawn.some(({ text }) => String(first?.['body']).includes(text)))
  t.true(withdrawn.some(({ ticketId }) => ticketId === 2))
  t.true(withdrawn.some(({ ticketId }) => ticketId === 3))
  for (const { text } of withdrawn) t.false(shown.includes(JSON.stringify(text).slice(1, -1)))
})

async function publicTexts(desk: Desk, count: number, names: ReadonlySet<string>): Promise<Json[]> {
  const texts: Json[] = []
  for (let id = 1; id <= count; id++) {
    if ((await desk.get(`/api/v2/tickets/${id}`)).status !== 200) continue
    for (const comment of await commentsOf(desk, id)) {
      if (comment['public'] !== true) continue
      texts.push(Object.fromEntries(Object.entries(comment).filter(([name]) => names.has(name))))
    }
  }
  return texts
}

test('no published subject or comment of the oracle holds a private token', async (t) => {
  const shape = { privateFromFirstShare: 0.4, messagingShare: 0.2 }
  const desk = await deskWith(t, { tickets: 500, shape })
  const expected = expectedOf(desk)

  t.true(expected.length > 200)
  for (const { subject } of expected) t.is(subject.match(PRIVATE_TOKEN), null)
})

test('an answer in public to a private ticket makes its subject presentable', async (t) => {
  const shape = { privateFromFirstShare: 1, deletedShare: 0, bigTickets: 0 }
  const desk = await deskWith(t, { tickets: 20, shape })
  for (let ticketId = 1; ticketId <= 20; ticketId++) {
    await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId })
  }
  const expected = expectedOf(desk)

  t.is(expected.length, 20)
  for (const { subject } of expected) t.is(subject.match(PRIVATE_TOKEN), null)
})

test('a token names the ticket and the comment it stands in', async (t) => {
  const desk = await deskWith(t, { tickets: 20 })
  const expected = expectedOf(desk).find(({ ticketId }) => ticketId > 15)
  const last = expected?.comments.at(-1)

  t.is(tokenSource(last?.publicToken ?? '').ticketId, expected?.ticketId ?? 0)
})

test('the shares of the shape come out', async (t) => {
  const shape = { deletedShare: 0.03, bigTickets: 4 }
  const desk = await deskWith(t, { tickets: 2000, shape })
  const rows = await Array.fromAsync(exportOf(desk, 'include=comment_count&support_type_scope=all'))
  const deleted = rows.filter((row) => row['status'] === 'deleted').length
  const big = rows.filter((row) => row['comment_count'] === 250).length

  t.true(deleted > 40 && deleted < 80)
  t.is(big, 4)
  t.is(
    rows.filter((row) => row['subject'] === 'SCRUBBED').every((row) => row['description'] === 'X'),
    true,
  )
})

test('personal tokens are in names, addresses and browsers, never in texts', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get('/api/v2/tickets/1/comments?include=users')
  const [user] = rowsOf(json, 'users')
  const [comment] = rowsOf(json, 'comments')

  t.regex(String(user?.['name']), /pii_[0-9a-f]{14}/)
  t.regex(String(user?.['email']), /^[a-z.]+\.pii_[0-9a-f]{14}@example\.com$/)
  t.regex(JSON.stringify(comment?.['metadata']), /pii_[0-9a-f]{14}/)
  t.notRegex(String(comment?.['body']) + String(comment?.['html_body']), /pii_/)
})
