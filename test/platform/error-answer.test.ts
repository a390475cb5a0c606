import test from 'ava'
import { DatabaseError, RequestError, ZendeskShapeError } from '../../src/platform/errors.ts'
import { errorAnswer } from '../../src/platform/http/error-answer.ts'

const withFields = (message: string, fields: object) => Object.assign(new Error(message), fields)

const table: readonly (readonly [name: string, error: unknown, status: number, code: string])[] = [
  ['a refused request', new RequestError(409, 'already_connected', 'no'), 409, 'already_connected'],
  ['bad JSON', withFields('secret', { status: 400, expose: true }), 400, 'malformed'],
  ['a large body', withFields('secret', { status: 413, expose: true }), 413, 'too_large'],
  ['an encoding', withFields('secret', { status: 415 }), 415, 'unsupported_media_type'],
  ['a database that is away', withFields('secret', { code: 'ECONNREFUSED' }), 503, 'unavailable'],
  ['a database that stops', withFields('secret', { code: '57P01' }), 503, 'unavailable'],
  ['a database that is full', withFields('secret', { code: '53300' }), 503, 'unavailable'],
  ['a lost connection', new Error('Connection terminated unexpectedly'), 503, 'unavailable'],
  ['a busy pool', new Error('timeout exceeded when trying to connect'), 503, 'unavailable'],
  ['an unmigrated database', new DatabaseError('secret'), 503, 'unavailable'],
  ['a broken constraint', withFields('secret', { code: '23505' }), 500, 'internal'],
  ['a status of a server', withFields('secret', { status: 502 }), 500, 'internal'],
  ['an odd status', withFields('secret', { status: 418 }), 500, 'internal'],
  ['an error of ours that is for nobody', new ZendeskShapeError('secret'), 500, 'internal'],
  ['a bug', new TypeError('secret'), 500, 'internal'],
  ['no error at all', 'secret', 500, 'internal'],
]

for (const [name, error, status, code] of table) {
  test(`${name} is answered with ${status} and nothing of it that is not meant to be`, (t) => {
    const answer = errorAnswer(error)

    t.is(answer.status, status)
    t.is(answer.body.error.code, code)
    t.false(JSON.stringify(answer).includes('secret'))
    t.is('retry-after' in answer.headers, status === 503)
  })
}

test('details and the wait go along', (t) => {
  const error = new RequestError(429, 'too_soon', 'wait', {
    details: ['a: b'],
    retryAfterSeconds: 1.2,
  })

  t.deepEqual(errorAnswer(error), {
    status: 429,
    headers: { 'retry-after': '2' },
    body: { error: { code: 'too_soon', message: 'wait', details: ['a: b'] } },
  })
})
