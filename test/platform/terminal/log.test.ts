import { randomUUID } from 'node:crypto'
import test from 'ava'
import { makeLog, withRequestId } from '../../../src/platform/log.ts'
import { readableLine } from '../../../src/platform/terminal/log-line.ts'
import { redacted } from '../../../src/platform/terminal/redacted.ts'

function aLog() {
  const lines: string[] = []
  const log = makeLog({ write: (line) => lines.push(line) })
  return { log, lines }
}

test('what looks like a secret or a text is struck out, however it got there', (t) => {
  const { log, lines } = aLog()

  log.info(
    {
      integrationId: 'i1',
      accessToken: 'CANARY',
      refresh_token: 'CANARY',
      tokens: 3,
      answer: { headers: { authorization: 'CANARY' }, body: 'CANARY', status: 200 },
      deep: { deeper: { clientSecret: 'CANARY', deepest: { x: 'CANARY' } } },
    },
    'x',
  )

  t.deepEqual(
    lines.filter((line) => line.includes('CANARY')),
    [],
  )
  t.like(JSON.parse(lines[0] ?? ''), {
    integrationId: 'i1',
    tokens: 3,
    accessToken: '[redacted]',
    answer: { headers: '[redacted]', body: '[redacted]', status: 200 },
    deep: { deeper: { clientSecret: '[redacted]' } },
  })
})

test('fields that hold no secret stay as they are', (t) => {
  const fields = { route: '/a', ms: 3, ids: ['1'], at: new Date(0), none: null, plan: { pages: 1 } }

  t.deepEqual(redacted(fields), fields)
})

test('lines that are logged on the way of a request tell its name, others do not', async (t) => {
  const { log, lines } = aLog()
  const requestId = randomUUID()

  await withRequestId(requestId, async () => {
    await Promise.resolve()
    log.child({ stage: 'zendesk' }).info({ zendeskRequestId: 'z1' }, 'request')
  })
  log.info('later')

  t.like(JSON.parse(lines[0] ?? ''), { requestId, zendeskRequestId: 'z1', stage: 'zendesk' })
  t.false(lines[1]?.includes('requestId'))
})

test('a person at a terminal reads when, how bad, where, what, and the fields', (t) => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-03-03T12:00:01.250Z',
    stage: 'web',
    route: '/healthz',
    err: { type: 'Error' },
    msg: 'request failed',
  })

  t.is(
    readableLine(line),
    '12:00:01.250 WARN  web          request failed route=/healthz err={"type":"Error"}\n',
  )
  t.is(readableLine('no json\n'), 'no json\n')
})
