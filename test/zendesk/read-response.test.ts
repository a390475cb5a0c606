import test from 'ava'
import { z } from 'zod'
import { ZendeskRefusedError, ZendeskShapeError } from '../../src/platform/errors.ts'
import { type Reading, readFields, readResponse } from '../../src/zendesk/http/read-response.ts'

const HTML = '<!doctype html><title>Down for maintenance</title>'
const json = (value: unknown) => JSON.stringify(value)

const means = test.macro({
  title: (title) => title ?? '',
  exec: (
    t,
    status: number,
    body: string,
    expected: Record<string, unknown>,
    headers: Record<string, string> = {},
  ) => {
    t.like(readResponse({ status, body, headers }), expected)
  },
})

test('a JSON object is an answer', means, 200, '{"tickets":[]}', {
  kind: 'answered',
  value: { tickets: [] },
})
test('201 is as good', means, 201, '{}', { kind: 'answered' })
test('204 needs no body', means, 204, '', { kind: 'answered' })
test(
  'what Postgres cannot store is dropped from texts',
  means,
  200,
  '{"a":"x\\u0000y\\ud800z\\ud83d\\ude00"}',
  {
    kind: 'answered',
    value: { a: 'xy\uFFFDz😀' },
  },
)
test('an empty 200 is tried again', means, 200, '', { kind: 'unavailable' })
test('an HTML 200 is tried again', means, 200, HTML, { kind: 'unavailable' })
test('JSON that was cut is tried again', means, 200, '{"tickets":[{"id":1', { kind: 'unavailable' })
test('a JSON array halts', means, 200, '[]', { kind: 'failed' })
test('JSON null halts', means, 200, 'null', { kind: 'failed' })

test(
  'a bearer token that is no longer valid is refused',
  means,
  401,
  json({ error: 'invalid_token', error_description: 'expired or revoked' }),
  { kind: 'token refused' },
)
test(
  'credentials of no known kind are refused',
  means,
  401,
  json({ error: "Couldn't authenticate you" }),
  { kind: 'token refused' },
)
test(
  'a role that is too low forbids',
  means,
  403,
  json({ error: { title: 'Forbidden', message: 'You do not have access to this page.' } }),
  { kind: 'forbidden' },
)
test('a 403 without a body forbids', means, 403, '', { kind: 'forbidden' })
for (const status of [400, 403, 422]) {
  test(`a ${status} page of a proxy proves nothing`, means, status, HTML, { kind: 'unavailable' })
}
test(
  'a deleted ticket is missing',
  means,
  404,
  json({ error: 'RecordNotFound', description: 'Not found' }),
  { kind: 'missing' },
)
test(
  'a 404 in the other shape is missing, too',
  means,
  404,
  json({ error: { title: 'Not found', message: 'There is no such ticket' } }),
  { kind: 'missing' },
)
test('a 404 page of a proxy proves nothing', means, 404, HTML, { kind: 'unavailable' })
test('an empty 404 proves nothing', means, 404, '', { kind: 'unavailable' })
test(
  'a 404 for a path that does not exist is not a missing ticket',
  means,
  404,
  json({ error: 'InvalidEndpoint', description: 'Not found' }),
  { kind: 'unavailable' },
)
test(
  'a start time that is too recent is told apart',
  means,
  422,
  json({ error: 'InvalidValue', description: 'Too recent start_time.' }),
  { kind: 'invalid', status: 422, isTooRecent: true },
)
test(
  'so it is as a 400 of the other shape',
  means,
  400,
  json({ error: { title: 'Invalid attribute', message: 'start_time is too recent' } }),
  { kind: 'invalid', status: 400, isTooRecent: true },
)
test(
  'another 400 is not about the start time',
  means,
  400,
  json({ errors: [{ code: 'InvalidPaginationParameter', title: 'no' }] }),
  { kind: 'invalid', status: 400, isTooRecent: false },
)
test(
  'a limit of the endpoint is not one of the account',
  means,
  429,
  json({
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed incremental export API requests per minute exceeded',
  }),
  { kind: 'limited', isAccountWide: false },
)
test(
  'a limit of the account concerns all',
  means,
  429,
  json({
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed API requests per minute exceeded',
  }),
  { kind: 'limited', isAccountWide: true },
)
test('an HTML 429 is a limit of all', means, 429, HTML, { kind: 'limited', isAccountWide: true })
test('a 503 is tried again', means, 503, HTML, { kind: 'unavailable', error: { status: 503 } })
test(
  'a 503 that says when is obeyed by all',
  means,
  503,
  HTML,
  { kind: 'limited', isAccountWide: true },
  { 'retry-after': '20' },
)
for (const status of [301, 302, 408, 409, 418, 423, 500, 502, 504]) {
  test(`a ${status} is tried again`, means, status, HTML, {
    kind: 'unavailable',
    error: { status },
  })
}

const halts = test.macro({
  title: (title) => title ?? '',
  exec: (t, status: number, body: string, code: string) => {
    const reading: Reading = readResponse({ status, body, headers: {} })

    if (reading.kind !== 'failed') return t.fail(reading.kind)
    t.true(reading.error instanceof ZendeskRefusedError)
    t.like(reading.error, { integrationError: code })
  },
})

test(
  'a missing scope halts with its reason',
  halts,
  403,
  json({
    error: 'Forbidden',
    description: 'You are missing the following required scopes: read',
  }),
  'scope_insufficient',
)
test(
  'a subdomain without an account halts as a changed account, not as a missing ticket',
  halts,
  404,
  json({
    error: { title: 'No help desk at acme.zendesk.com', message: 'There is no help desk here.' },
  }),
  'account_changed',
)

const schema = z.object({ tickets: z.array(z.object({ id: z.int(), status: z.string() })) })

test('the fields of an answer are checked, others are dropped', (t) => {
  const value = { tickets: [{ id: 1, status: 'open', description: 'secret' }], count: 1 }

  t.deepEqual(readFields(schema, value, 'export'), { tickets: [{ id: 1, status: 'open' }] })
})

test('what is missing is named by its place, and no value is shown', (t) => {
  const value = {
    tickets: [
      { id: 1, status: 'open' },
      { id: 'secret', other: 'secret' },
    ],
  }

  const error = t.throws(() => readFields(schema, value, 'ticket export'), {
    instanceOf: ZendeskShapeError,
  })

  t.regex(error.message, /ticket export: .*tickets\.1\.id, tickets\.1\.status/)
  t.notRegex(error.message, /secret/)
})

test('an answer that is wrong everywhere is described in a short message', (t) => {
  const value = { tickets: Array.from({ length: 1_000 }, () => ({})) }

  const error = t.throws(() => readFields(schema, value, 'ticket export'))

  t.true(error.message.length < 300)
})
