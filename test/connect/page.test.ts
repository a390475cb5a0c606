import { createHash } from 'node:crypto'
import test from 'ava'
import { noticeOf } from '../../src/connect/outcome.ts'
import { pageHeaders, renderPage } from '../../src/connect/page.ts'

test('a page shows the text as text', (t) => {
  const page = renderPage({ title: '<a href="x">&\'', text: '<script>', next: '</p>' })

  t.true(page.includes('<h1>&lt;a href=&quot;x&quot;&gt;&amp;&#39;</h1>'))
  t.true(page.includes('<p>&lt;script&gt;</p>'))
  t.false(page.includes('<script'))
})

test('the policy allows the style of the page and nothing else', (t) => {
  const style = /<style>(.*)<\/style>/s.exec(renderPage({ title: '', text: '', next: '' }))?.[1]
  const hash = createHash('sha256')
    .update(style ?? '')
    .digest('base64')

  const policy = pageHeaders['content-security-policy'] ?? ''
  t.true(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}';`))
})

test('the page of a success names the account and what happens next', (t) => {
  const notice = noticeOf({ kind: 'connected', subdomain: 'acme', days: 30 })

  t.is(notice.status, 200)
  t.regex(notice.title, /acme/)
  t.regex(notice.text, /last 30 days/)
})

test('an error that is no code of OAuth is not repeated', (t) => {
  for (const error of ['constructor', '__proto__', 'toString', '<b>']) {
    const { status, text } = noticeOf({ kind: 'not_authorized', subdomain: 'acme', error })
    t.is(status, 400)
    t.false(text.includes(error))
  }
})
