import test from 'ava'
import { codeFor, deskWith, exchange, request, rowsOf, UNLIMITED } from './support.ts'
import type { Json, Reply } from './support.ts'

/**
 * The shapes of recorded answers, rebuilt by hand with invented values: every key that a real
 * account sent must be there with a value of the same kind.
 */
const TICKET = {
  url: 'https://acme.zendesk.com/api/v2/tickets/28.json',
  id: 28,
  external_id: null,
  via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
  created_at: '2026-01-18T15:57:42Z',
  updated_at: '2026-01-18T15:57:42Z',
  subject: 'test',
  raw_subject: 'test',
  description: 'test',
  status: 'new',
  requester_id: 6130907993114,
  submitter_id: 6130907993114,
  collaborator_ids: [],
  follower_ids: [],
  email_cc_ids: [],
  forum_topic_id: null,
  problem_id: null,
  has_incidents: false,
  is_public: true,
  due_at: null,
  tags: [],
  custom_fields: [],
  sharing_agreement_ids: [],
  custom_status_id: 6130830355738,
  encoded_id: 'ABCDEF-GHIJ',
  fields: [],
  followup_ids: [],
  ticket_form_id: 6130830344474,
  brand_id: 6130830354842,
  allow_channelback: false,
  allow_attachments: true,
  from_messaging_channel: false,
  support_type: 'agent',
  generated_timestamp: 1_768_752_663,
}

/** Keys that are null in some tickets and not in others. */
const TICKET_OPTIONAL = [
  'type',
  'priority',
  'recipient',
  'assignee_id',
  'organization_id',
  'group_id',
  'satisfaction_rating',
]

const COMMENT = {
  id: 2,
  type: 'Comment',
  author_id: 377922500012,
  body: 'text',
  html_body: '<div class="zd-comment" dir="auto"><p dir="auto">text</p></div>',
  public: true,
  attachments: [],
  audit_id: 1,
  via: { channel: 'web', source: { from: {}, to: {}, rel: null } },
  created_at: '2026-01-18T15:57:42Z',
  metadata: { system: {}, custom: {} },
}

const USER = {
  id: 6130907993114,
  url: 'https://acme.zendesk.com/api/v2/users/6130907993114.json',
  name: 'someone',
  email: 'someone@example.com',
  created_at: '2026-01-18T15:57:42Z',
  updated_at: '2026-01-18T15:57:42Z',
  time_zone: 'America/New_York',
  iana_time_zone: 'America/New_York',
  phone: null,
  locale_id: 1,
  locale: 'en-US',
  role: 'admin',
  verified: true,
  authenticity_token: 'secret',
  tags: [],
  active: true,
  shared: false,
  shared_agent: false,
  role_type: 4,
  moderator: true,
  only_private_comments: false,
  restricted_agent: false,
  suspended: false,
  report_csv: true,
  user_fields: {},
}

/** Paths at which an answer lacks a key of the sample or has a value of another kind. */
function differences(sample: Json, answer: Json, path = ''): string[] {
  return Object.entries(sample).flatMap(([key, value]) => {
    const here = `${path}.${key}`
    const found = answer[key]
    if (kindOf(found) !== kindOf(value)) return [`${here}: ${kindOf(found)}`]
    return kindOf(value) === 'object' ? differences(value as Json, found as Json, here) : []
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

test('an exported ticket has the keys of a recorded one', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get('/api/v2/incremental/tickets/cursor.json?start_time=0')
  const rows = rowsOf(json, 'tickets')

  t.deepEqual(differences(TICKET, rows[3] ?? {}), [])
  for (const key of TICKET_OPTIONAL) t.true(rows.every((row) => key in row))
  t.deepEqual(Object.keys(json).toSorted(), [
    'after_cursor',
    'after_url',
    'before_cursor',
    'before_url',
    'end_of_stream',
    'tickets',
  ])
})

test('a comment has the keys of a recorded one', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get('/api/v2/tickets/4/comments?page[size]=100&include=users')

  t.deepEqual(differences(COMMENT, rowsOf(json, 'comments')[0] ?? {}), [])
  t.deepEqual(Object.keys(json).toSorted(), ['comments', 'links', 'meta', 'users'])
})

test('the user behind a token has the keys of a recorded one', async (t) => {
  const desk = await deskWith(t)
  const { json } = await desk.get('/api/v2/users/me.json')

  t.deepEqual(differences(USER, json['user'] as Json), [])
})

test('without a token, and in anonymous mode, users/me is a person without an id', async (t) => {
  const desk = await deskWith(t)
  const nobody = await request(`${desk.base}/api/v2/users/me.json`)
  await desk.simulator.setAccount('acme', { anonymous: true })
  const anonymous = await desk.get('/api/v2/users/me')

  for (const { status, json } of [nobody, anonymous]) {
    t.is(status, 200)
    t.is((json['user'] as Json)['id'], null)
  }
})

test('a bad token is invalid_token everywhere, no token cannot authenticate', async (t) => {
  const desk = await deskWith(t)
  const bad = { headers: { Authorization: 'Bearer nonsense' } }
  const me = await request(`${desk.base}/api/v2/users/me`, bad)
  const none = await request(`${desk.base}/api/v2/groups`)

  t.is(me.status, 401)
  t.deepEqual(me.json, {
    error: 'invalid_token',
    error_description:
      'The access token provided is expired, revoked, malformed or invalid for other reasons.',
  })
  t.is(none.status, 401)
  t.deepEqual(none.json, { error: "Couldn't authenticate you" })
})

test('a token without the scope is told which one it lacks', async (t) => {
  const { base } = await deskWith(t)
  const answerTo = async (scope: string, method: string, path: string): Promise<Reply> => {
    const { json } = await exchange(base, await codeFor(base, { scope }), { scope })
    const headers = { Authorization: `Bearer ${String(json['access_token'])}` }
    return request(`${base}${path}`, { method, headers })
  }
  const refused = await answerTo('read', 'POST', '/api/v2/webhooks')

  t.is(refused.status, 403)
  t.deepEqual(refused.json, {
    error: 'Forbidden',
    description: 'You are missing the following required scopes: write',
  })
  t.is((await answerTo('webhooks:write', 'POST', '/api/v2/webhooks')).status, 422)
  t.is((await answerTo('users:read', 'GET', '/api/v2/users/me')).status, 200)
  t.is((await answerTo('users:read', 'GET', '/api/v2/tickets/1')).status, 403)
  t.is((await answerTo('tickets:read', 'GET', '/api/v2/tickets/1/comments')).status, 200)
})

test('many tickets and users at once: at most 100, deleted and unknown ones left out', async (t) => {
  const desk = await deskWith(t, { shape: { deletedShare: 0 } })
  await desk.simulator.mutate('acme', { kind: 'delete', ticketId: 2 })
  const { json } = await desk.get('/api/v2/tickets/show_many.json?ids=1,2,3,999999')
  const ids = Array.from({ length: 101 }, (_, index) => index + 1).join(',')
  const many = await desk.get(`/api/v2/users/show_many?ids=${ids}`)

  t.deepEqual(
    rowsOf(json, 'tickets').map((row) => row['id']),
    [1, 3],
  )
  t.is(many.status, 400)
  t.like(many.json, { error: 'TooManyValues', max_count: 100 })
})

test('groups and account settings answer', async (t) => {
  const desk = await deskWith(t)
  const groups = (await desk.get('/api/v2/groups.json')).json
  const tickets = (await desk.get('/api/v2/incremental/tickets/cursor?start_time=0')).json
  const known = new Set(rowsOf(groups, 'groups').map((group) => group['id']))
  const used = rowsOf(tickets, 'tickets').map((row) => row['group_id'])

  t.is(rowsOf(groups, 'groups').length, 6)
  t.true(used.every((id) => id === null || known.has(id)))
  t.is((await desk.get('/api/v2/account/settings.json')).status, 200)
})

test('an unknown path is InvalidEndpoint, an unknown ticket RecordNotFound', async (t) => {
  const desk = await deskWith(t)
  const path = await desk.get('/api/v2/nothing.json')
  const ticket = await desk.get('/api/v2/tickets/999999.json')

  t.is(path.status, 404)
  t.is(path.json['error'], 'InvalidEndpoint')
  t.is(ticket.status, 404)
  t.is(ticket.json['error'], 'RecordNotFound')
})

test('answers carry the headers that Zendesk puts on them', async (t) => {
  const desk = await deskWith(t, { settings: { rates: { account: 700, incremental: 10 } } })
  const { headers } = await desk.get('/api/v2/incremental/tickets/cursor.json?start_time=0')

  for (const name of ['etag', 'x-request-id', 'x-zendesk-zorg', 'x-zendesk-api-version']) {
    t.true(headers.has(name))
  }
  t.is(headers.get('x-rate-limit'), '700')
  t.is(headers.get('x-rate-limit-remaining'), '699')
  t.is(headers.get('ratelimit-limit'), '700')
  t.is(headers.get('rate-limit-remaining'), '699')
  t.regex(headers.get('ratelimit-reset') ?? '', /^\d+$/)
  t.regex(
    headers.get('zendesk-ratelimit-incremental-exports-cursor') ?? '',
    /^total=10; remaining=9; resets=\d+$/,
  )
})

test('links in answers carry the address that was asked', async (t) => {
  const desk = await deskWith(t, { settings: UNLIMITED })
  const { text } = await desk.get('/api/v2/tickets/1/comments?include=users')

  t.false(text.includes('localhost:3000'))
  t.true(text.includes(`${desk.base}/api/v2/users/`))
})
