import test from 'ava'
import { toSubdomain } from '../../src/integration/subdomain.ts'

const accepted: readonly (readonly [pasted: string, name: string])[] = [
  ['acme', 'acme'],
  ['ACME', 'acme'],
  ['  acme\n', 'acme'],
  ['acme.zendesk.com', 'acme'],
  ['Acme.Zendesk.com', 'acme'],
  ['https://acme.zendesk.com', 'acme'],
  ['https://acme.zendesk.com/', 'acme'],
  ['https://acme.zendesk.com/agent', 'acme'],
  ['https://acme.zendesk.com/agent/tickets/42?brand=1#top', 'acme'],
  ['HTTPS://ACME.ZENDESK.COM/agent', 'acme'],
  ['http://acme.zendesk.com', 'acme'],
  ['acme.zendesk.com?x=https://evil.com', 'acme'],
  ['a', 'a'],
  ['7', '7'],
  ['a-b--c9', 'a-b--c9'],
  ['xn--bcher-kva', 'xn--bcher-kva'],
  ['a'.repeat(63), 'a'.repeat(63)],
]

const refused: readonly string[] = [
  '',
  ' ',
  'acme.evil.com',
  'acme.zendesk.com.evil.com',
  'evil.com/acme.zendesk.com',
  'http://evil.com/acme.zendesk.com',
  'https://evil.com?acme.zendesk.com',
  'https://evil.com#.zendesk.com',
  'https://evil.com\\.zendesk.com',
  'user@acme',
  'user@acme.zendesk.com',
  'acme@evil.com/.zendesk.com',
  'acme:80',
  'acme.zendesk.com:443',
  'https://acme:pw@acme.zendesk.com',
  'a_b',
  'a b',
  'a\tb',
  'acme\nevil',
  'acme\0',
  '-a',
  'a-',
  '-',
  'a'.repeat(64),
  'zendesk.com',
  '.zendesk.com',
  'https://.zendesk.com',
  'www.acme.zendesk.com',
  'acme.zendesk.com.',
  'acme.',
  'ftp://acme.zendesk.com',
  '//acme.zendesk.com',
  'https://',
  'bücher',
  'аcme',
  'acme\u200b',
  '\u212aelvin',
  'acme%2eevil',
  '{subdomain}',
  '127.0.0.1',
  '[::1]',
]

for (const [pasted, name] of accepted) {
  test(`${JSON.stringify(pasted)} names an account`, (t) => {
    t.is(toSubdomain(pasted) as string | undefined, name)
  })
}

for (const pasted of refused) {
  test(`${JSON.stringify(pasted)} is refused`, (t) => {
    t.is(toSubdomain(pasted), undefined)
  })
}
