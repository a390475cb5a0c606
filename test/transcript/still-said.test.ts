import test from 'ava'
import { isStillSaid } from '../../src/transcript/still-said.ts'
import type { StoredTurn } from '../../src/transcript/transcript.ts'
import { aTurn } from '../support/outbox-rows.ts'

const png = { file_name: 'a.png', content_type: 'image/png' }
const log = { file_name: 'log.txt', content_type: null }
const first = aTurn({ comment_id: 1, text: 'It does not start.' })
const second = aTurn({ comment_id: 2, text: 'Restart it.', role: 'agent', speaker: 'agent-1' })
const withFiles = { ...first, attachments: [png, log] }

type Row = readonly [
  name: string,
  earlier: readonly StoredTurn[],
  newest: readonly StoredTurn[],
  isSaid: boolean,
]

const table: readonly Row[] = [
  ['the same turns', [first, second], [first, second], true],
  ['a turn has come to them', [first], [first, second], true],
  ['a turn has come in before them', [second], [first, second], true],
  ['nothing was said before', [], [first], true],
  ['a turn is missing', [first, second], [first], false],
  ['all turns are missing', [first], [], false],
  ['another turn says the same', [first], [{ ...first, comment_id: 3 }], false],
  ['words are blacked out', [first], [{ ...first, text: 'It does not ▇▇▇▇▇.' }], false],
  ['words are gone', [first], [{ ...first, text: '' }], false],
  ['the text differs by a space', [first], [{ ...first, text: `${first.text} ` }], false],
  ['an attachment is gone', [withFiles], [{ ...first, attachments: [log] }], false],
  [
    'an attachment was replaced',
    [withFiles],
    [{ ...first, attachments: [{ ...png, file_name: 'redacted.txt' }, log] }],
    false,
  ],
  [
    'an attachment has another type',
    [withFiles],
    [{ ...first, attachments: [{ ...png, content_type: 'text/plain' }, log] }],
    false,
  ],
  ['an attachment has come', [first], [withFiles], true],
  [
    'attachments stand in another order',
    [withFiles],
    [{ ...first, attachments: [log, png] }],
    true,
  ],
  ['the speaker has another number', [second], [{ ...second, speaker: 'agent-2' }], true],
  ['the speaker has another role', [second], [{ ...second, role: 'customer' }], true],
]

for (const [name, earlier, newest, isSaid] of table) {
  test(`what was said is ${isSaid ? 'still said' : 'taken back'}: ${name}`, (t) => {
    t.is(isStillSaid(earlier, newest), isSaid)
  })
}
