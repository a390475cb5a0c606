import test from 'ava'
import { type CommentText, commentText } from '../../src/zendesk/text.ts'

const reads = test.macro({
  title: (title) => title ?? '',
  exec: (t, comment: CommentText, expected: string) => {
    t.is(commentText(comment), expected)
  },
})

test(
  'plain_body is the text',
  reads,
  { plain_body: 'Hello', html_body: '<p>x</p>', body: 'y' },
  'Hello',
)
test(
  'entities and characters for hard spaces become spaces',
  reads,
  { plain_body: 'It fails.&nbsp;Since\u00A0Monday' },
  'It fails. Since Monday',
)
test(
  'line ends of all systems become one, and the ends are trimmed',
  reads,
  { plain_body: '&nbsp;\r\none\r\ntwo\rthree\n\u00A0\n' },
  'one\ntwo\nthree',
)
test(
  'marks of redaction stay',
  reads,
  { plain_body: 'My card is ▇▇▇▇ ▇▇▇▇' },
  'My card is ▇▇▇▇ ▇▇▇▇',
)
test(
  'without plain_body the HTML is read',
  reads,
  {
    html_body:
      '<div class="zd-comment" dir="auto"><p dir="auto">One &amp; two<br>three</p><p>▇▇▇&nbsp;end</p></div>',
    body: 'raw',
  },
  'One & two\nthree\n\n▇▇▇ end',
)
test(
  'an empty plain_body counts as missing',
  reads,
  { plain_body: ' &nbsp; ', html_body: '<b>bold</b>' },
  'bold',
)
test(
  'with both empty the body is the text',
  reads,
  { plain_body: '', html_body: '', body: 'Mail to the team' },
  'Mail to the team',
)
test(
  'HTML that shows nothing gives way to the body',
  reads,
  {
    html_body: '<div><img src="https://acme.zendesk.com/attachments/token/secret"></div>',
    body: 'see picture',
  },
  'see picture',
)
test(
  'addresses of links and pictures stay out, headings keep their case, lists keep their items',
  reads,
  {
    html_body:
      '<h1>Steps</h1><ul><li>open <a href="https://acme.zendesk.com/attachments/token/secret">the log</a></li></ul><img src="https://x/secret.png" alt="secret">',
  },
  'Steps\n\n * open the log',
)
test('a comment without any text is empty', reads, {}, '')
test('nulls are missing', reads, { plain_body: null, html_body: null, body: null }, '')

const call = { from: '+15550100200', to: '+1 555 0199 300', recording_url: null }

test(
  'what was said on the phone follows the summary',
  reads,
  { plain_body: 'Call of 3 minutes', data: { transcription_text: 'Hello, it fails' } },
  'Call of 3 minutes\n\nHello, it fails',
)
test(
  'a transcription that the summary holds already is not repeated',
  reads,
  { plain_body: 'Call: Hello, it fails.', data: { transcription_text: 'Hello, it fails' } },
  'Call: Hello, it fails.',
)
test(
  'a hidden transcription stays hidden',
  reads,
  {
    plain_body: 'Call',
    transcription_visible: false,
    data: { transcription_text: 'Hello, it fails' },
  },
  'Call',
)
test(
  'telephone numbers are taken out however they are grouped',
  reads,
  {
    plain_body: 'Call from +1 (555) 010-0200 to 15550199300, back to +15550100200.',
    data: call,
  },
  'Call from  to , back to .',
)
test(
  'numbers as Zendesk formats them are taken out of what was said, too',
  reads,
  {
    plain_body: 'Call',
    formatted_from: '+49 30 123456',
    data: { transcription_text: 'reach me at 0049 30 123456 or +49 30 123456' },
  },
  'Call\n\nreach me at  or',
)
test(
  'they are taken out where nothing else is left of the call',
  reads,
  { plain_body: 'Call from +49 30 123456', formatted_from: '+49 30 123456', data: null },
  'Call from',
)
test(
  'a longer number that holds the caller is another number',
  reads,
  { plain_body: 'Order 9155501002009', data: call },
  'Order 9155501002009',
)
test(
  'the recording and the name of who answered are taken out',
  reads,
  {
    plain_body: 'Answered by: Ana Lima\nListen: https://acme.zendesk.com/recordings/1.mp3',
    data: {
      answered_by_name: 'Ana Lima',
      recording_url: 'https://acme.zendesk.com/recordings/1.mp3',
    },
  },
  'Answered by: \nListen:',
)
test(
  'a short number of an extension is taken out only as it stands',
  reads,
  { plain_body: 'Line 4711 rang at 47 11', data: { from: '4711' } },
  'Line  rang at 47 11',
)

test('HTML nested without end neither fails nor takes long', (t) => {
  const depth = 5_000

  const text = commentText({ html_body: `${'<div>'.repeat(depth)}deep${'</div>'.repeat(depth)}` })

  t.is(typeof text, 'string')
})
