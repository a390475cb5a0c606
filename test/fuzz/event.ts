import { EVENT_SUBSCRIPTIONS } from '../../src/hint/event-type.ts'
import { pick } from '../support/random.ts'

export type Json = Record<string, unknown>

const VALUES: readonly unknown[] = [
  null,
  '',
  '0',
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '9007199254740993',
  true,
  [],
  {},
  [[]],
  'x'.repeat(5_000),
  'text with a nul \0 in it',
  '\ud800',
  '2026-01-01T00:00:00.123456789Z',
  '0000-00-00T00:00:00Z',
  '9999-12-31T23:59:59Z',
  'zen:ticket:99999999999999999999',
  "'; drop table hint; --",
  { id: '7' },
]

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then']
const FIELDS = ['id', 'account_id', 'type', 'subject', 'time', 'detail', 'zendesk_event_version']

/** JSON of an event that is no longer what it was: one to three changes. */
export function mutateEvent(random: () => number, event: Json): string {
  let text = ''
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    text = change(random, event)
  }
  return text
}

function change(random: () => number, event: Json): string {
  const field = pick(random, FIELDS)
  switch (pick(random, ['value', 'leave out', 'type', 'ticket', 'twice', 'prototype', 'more'])) {
    case 'value':
      event[field] = pick(random, VALUES)
      return JSON.stringify(event)
    case 'leave out':
      delete event[field]
      return JSON.stringify(event)
    case 'type':
      event['type'] = pick(random, [
        ...EVENT_SUBSCRIPTIONS,
        'zen:event-type:ticket.new',
        '__proto__',
      ])
      return JSON.stringify(event)
    case 'ticket':
      event['detail'] = { id: pick(random, VALUES) }
      return JSON.stringify(event)
    case 'twice': {
      const again = JSON.stringify({ [field]: pick(random, VALUES) }).slice(1, -1)
      return JSON.stringify(event).replace(/^\{/, `{${again},`)
    }
    case 'prototype': {
      const inner = JSON.stringify(pick(random, [event, { type: 'x', id: 'y' }, VALUES]))
      return JSON.stringify(event).replace(/\}$/, `,"${pick(random, KEYS)}":${inner}}`)
    }
    default:
      event[`more ${field}`] = Array.from({ length: 500 }, () => pick(random, VALUES))
      return JSON.stringify(event)
  }
}
