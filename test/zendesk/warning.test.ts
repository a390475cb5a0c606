import test from 'ava'
import { requestIdOf, warningText } from '../../src/zendesk/http/warning.ts'

const reads = test.macro({
  title: (title) => `a warning without ${title}`,
  exec: (t, header: string, text: string) => t.is(warningText(header), text),
})

test(
  'the keys that it quotes',
  reads,
  'Removed restricted keys ["_rfc_", "name"] from parameters, according to whitelist',
  'Removed restricted keys … from parameters, according to whitelist',
)
test(
  'names, numbers and addresses',
  reads,
  'the user Ana Ito (ana@example.com) called +15550100 at 10:30',
  'the user … called … at …',
)
test('a text in quotes', reads, `ignored: "my words", 'mine' and \`more\``, 'ignored: … and …')
test('a token', reads, 'token 9f8e7d6c5b4a is old', 'token … is old')
test('a token of letters alone', reads, 'abcdefabcdefabcdefabcdefabcdef is old', '… is old')
test('letters of other alphabets', reads, 'für Jürgen: Привет', '…')
test('line breaks', reads, 'one\n"level":"fatal"\ntwo', 'one … two')
test(
  'anything that is not closed',
  reads,
  'parameter "secret value [of nobody',
  'parameter … value … nobody',
)
test('anything', reads, '', '…')

test('a long warning is cut', (t) => {
  t.is(warningText('word '.repeat(1_000)).length, 161)
})

test('a number of a request is logged, any other text is not', (t) => {
  t.is(requestIdOf('0f6e2b1c-9c8d-4a77-b0d1-2f6f5f0c8a11'), '0f6e2b1c-9c8d-4a77-b0d1-2f6f5f0c8a11')
  for (const header of [undefined, '', 'two words', 'a@example.com', 'x'.repeat(65), 'a\nb']) {
    t.is(requestIdOf(header), undefined)
  }
})
