import test from 'ava'
import { EVENT_SUBSCRIPTIONS } from '../../src/hint/event-type.ts'
import { IntegrationId } from '../../src/ids.ts'
import { readEvent } from '../../src/webhook/event.ts'
import { ACCOUNT_ID, eventBody } from '../support/signed.ts'

const integrationId = IntegrationId.parse('3f2504e0-4f89-41d3-9a0c-0305e82c3301')
const SIGNED_AT = Date.UTC(2026, 0, 1, 0, 0, 5)
const ID = 'b3695d61-2ef4-4e9c-97af-1f065c099500'

const read = (body: string | Buffer) => readEvent(Buffer.from(body), integrationId, SIGNED_AT)

type Json = Record<string, unknown>

function changed(change: (event: Json) => void): Json {
  const event = JSON.parse(eventBody({ id: ID })) as Json
  change(event)
  return event
}

const readChanged = (fields: Json) =>
  read(JSON.stringify(changed((event) => Object.assign(event, fields))))

test('an event as Zendesk sends it is a hint, and of its text nothing stays', (t) => {
  const event = read(eventBody({ id: ID, words: 'my card is 4111' }))

  t.is(event.kind, 'hint')
  if (event.kind !== 'hint') return
  const { occurredAt, ...hint } = event.hint
  t.like(hint, { integrationId, eventId: ID, type: 'comment_added' })
  t.is(Number(hint.ticketId), 42)
  t.is(Object.keys(hint).length, 4)
  t.is(occurredAt.toISO(), '2026-01-01T00:00:00.304Z')
  t.is(event.accountId, ACCOUNT_ID)
  t.notRegex(JSON.stringify(event), /4111/)
})

test('every type that a webhook subscribes to is a hint', (t) => {
  t.is(EVENT_SUBSCRIPTIONS.length, 16)
  for (const type of EVENT_SUBSCRIPTIONS) t.is(readChanged({ type }).kind, 'hint', type)
})

test('a message of messaging is a hint, by nothing but the id of its ticket', (t) => {
  const type = 'zen:event-type:messaging_ticket.message_added'
  const event = readChanged({ type, detail: { id: '42' }, subject: undefined, id: '01HZ3NDEKTSV' })

  t.like(event, { kind: 'hint', hint: { type: 'message_added', ticketId: 42 } })
})

const readable = test.macro({
  title: (title) => title ?? '',
  exec: (t, fields: Json, hint: Json) => t.like(readChanged(fields), { kind: 'hint', hint }),
})
test('the id of a ticket may be a number', readable, { detail: { id: 42 } }, { ticketId: 42 })
for (const id of [null, '', '0', 0, 'none', {}, '99999999999999999999']) {
  test(
    `where the id of the ticket is ${JSON.stringify(id)} the subject names it`,
    readable,
    { detail: { id }, subject: 'zen:ticket:7' },
    { ticketId: 7 },
  )
}
test(
  'without any detail the subject names the ticket',
  readable,
  { detail: null },
  { ticketId: 42 },
)
test('a version nobody knows is read', readable, { zendesk_event_version: 7 }, { ticketId: 42 })
test('the id of an account may be a text', (t) => {
  t.like(readChanged({ account_id: '18525000' }), { kind: 'hint', accountId: ACCOUNT_ID })
})
test('an event of a number is an event', readable, { id: 12345 }, { eventId: '12345' })

const instants = test.macro({
  title: (_, time: unknown) => `the time ${JSON.stringify(time)}`,
  exec: (t, time: unknown, expected: string) => {
    const event = readChanged({ time })
    t.is(event.kind === 'hint' ? event.hint.occurredAt.toISO() : event.kind, expected)
  },
})
test(instants, '2026-01-01T00:00:01Z', '2026-01-01T00:00:01.000Z')
test(instants, '2026-01-01T00:00:01.123456789Z', '2026-01-01T00:00:01.123Z')
// Nothing else is known of these than when they were sent.
for (const time of [null, '', 7, 'soon', '0000-01-01T00:00:00Z', '9999-01-01T00:00:00Z']) {
  test(instants, time, '2026-01-01T00:00:05.000Z')
}

const unreadable = test.macro({
  title: (_, body: string | Buffer) =>
    `${JSON.stringify(body.toString()).slice(0, 60)} is no event`,
  exec: (t, body: string | Buffer) => t.deepEqual(read(body), { kind: 'unreadable' }),
})
for (const body of ['', ' ', 'null', '7', '"text"', '[]', '{}', '{"test":true}', '{"type":""}']) {
  test(unreadable, body)
}
test(unreadable, '{"type":"zen:event-type:ticket.created"')
test(unreadable, Buffer.from([0x1f, 0x8b, 0x08, 0x00]))
test(unreadable, '['.repeat(200_000))
test(unreadable, '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000))
test(unreadable, '{"__proto__":{"type":"zen:event-type:ticket.created","id":"a"}}')
test(unreadable, '{"constructor":{"prototype":{"type":"x"}}}')

const missing: readonly Json[] = [
  { id: null },
  { id: '' },
  { id: 'jane@example.com' },
  { id: 'x'.repeat(65) },
  { id: `nul${String.fromCodePoint(0)}` },
  { account_id: null },
  { account_id: '0' },
  { account_id: -1 },
  { detail: {}, subject: null },
  { detail: { id: '-1' }, subject: 'zen:ticket:0' },
  { detail: { id: 1.5 }, subject: 'zen:user:3' },
]
for (const fields of missing) {
  test(`an event with ${JSON.stringify(fields)} is none that can be acted on`, (t) => {
    t.deepEqual(readChanged(fields), { kind: 'unreadable' })
  })
}

test('of a key that comes twice the last one counts', (t) => {
  const body = eventBody({ id: ID }).replace('{', '{ "id": "first", ')

  t.like(read(body), { kind: 'hint', hint: { eventId: ID } })
})

test('a type that nobody knows means nothing, whatever else it says', (t) => {
  t.deepEqual(readChanged({ type: 'zen:event-type:ticket.brand_new', id: null }), {
    kind: 'meaningless',
    accountId: ACCOUNT_ID,
  })
  t.deepEqual(read('{"type":"zen:event-type:hearflow.test"}'), {
    kind: 'meaningless',
    accountId: null,
  })
  t.deepEqual(read('{"type":"__proto__"}'), { kind: 'meaningless', accountId: null })
})
