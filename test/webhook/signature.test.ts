import { createSecretKey } from 'node:crypto'
import test from 'ava'
import { PUBLIC_TEST_SECRET } from '../../src/credential/webhook/test-secret.ts'
import { type SignatureCheck, checkSignature, instantOf } from '../../src/webhook/signature.ts'
import { signatureOf } from '../support/signed.ts'

type Kind = SignatureCheck['kind']

const AT = '2021-03-25T05:09:27Z'
const NOW = Date.parse(AT)
const MINUTE = 60_000

const keyOf = (secret: string) => createSecretKey(Buffer.from(secret))
const key = keyOf(PUBLIC_TEST_SECRET)

const vectors = [
  { body: '', signature: 'wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRWw=' },
  {
    body: '{"event":"ticket.updated","id":123}',
    signature: 'S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=',
  },
]
for (const { body, signature } of vectors) {
  test(`the published vector of ${body.length} bytes passes, and no other byte of it does`, (t) => {
    const proof = { signature, timestamp: AT }

    t.deepEqual(checkSignature(key, proof, Buffer.from(body), NOW), {
      kind: 'valid',
      signedAt: NOW,
    })
    t.is(checkSignature(key, proof, Buffer.from(`${body} `), NOW).kind, 'wrong')
    t.is(checkSignature(keyOf('another'), proof, Buffer.from(body), NOW).kind, 'wrong')
    const later = { signature, timestamp: '2021-03-25T05:09:28Z' }
    t.is(checkSignature(key, later, Buffer.from(body), NOW).kind, 'wrong')
  })
}

test('bytes count and not what they stand for as text', (t) => {
  const body = Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x7d])
  const proof = { signature: signatureOf(PUBLIC_TEST_SECRET, AT, body), timestamp: AT }

  t.is(checkSignature(key, proof, body, NOW).kind, 'valid')
  t.is(checkSignature(key, proof, Buffer.from(body.toString('utf8')), NOW).kind, 'wrong')
})

const ages = test.macro({
  title: (_, ms: number, kind: Kind) => `signed ${ms} ms before now: ${kind}`,
  exec: (t, ms: number, kind: Kind) => {
    const timestamp = new Date(NOW - ms).toISOString()
    const body = Buffer.from('{}')
    const proof = { signature: signatureOf(PUBLIC_TEST_SECRET, timestamp, body), timestamp }

    t.is(checkSignature(key, proof, body, NOW).kind, kind)
  },
})
test(ages, 0, 'valid')
test(ages, 10 * MINUTE, 'valid')
test(ages, 10 * MINUTE + 1, 'stale')
test(ages, -5 * MINUTE, 'valid')
test(ages, -5 * MINUTE - 1, 'stale')

const refused = test.macro({
  title: (_, what: string) => `${what} proves nothing`,
  exec: (t, _: string, proof: { signature?: string; timestamp?: string }, kind: Kind) => {
    const valid = { signature: vectors[0]?.signature ?? '', timestamp: AT }

    t.is(checkSignature(key, { ...valid, ...proof }, Buffer.from(''), NOW).kind, kind)
  },
})
test(refused, 'no signature', { signature: '' }, 'missing')
test(refused, 'no timestamp', { timestamp: '' }, 'missing')
test(refused, 'a signature cut short', { signature: 'wCdBvXaHttn0wRVIYctz' }, 'wrong')
test(refused, 'a signature in hex', { signature: 'a'.repeat(64) }, 'wrong')
test(
  refused,
  'a signature without its padding',
  { signature: 'wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRWw' },
  'wrong',
)
test(
  refused,
  'a signature in the alphabet of addresses',
  { signature: 'wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRW_=' },
  'wrong',
)

test('a signed timestamp that is no instant is stale', (t) => {
  for (const timestamp of ['1616648967', 'yesterday', '2021-03-25', '2021-03-25T05:09:27']) {
    const proof = { signature: signatureOf(PUBLIC_TEST_SECRET, timestamp, ''), timestamp }
    t.is(checkSignature(key, proof, Buffer.from(''), NOW).kind, 'stale')
  }
})

test('an instant has from no to nine digits behind its second', (t) => {
  t.is(instantOf('2026-01-01T00:00:00Z'), Date.UTC(2026, 0, 1))
  t.is(instantOf('2026-01-01T00:00:00.3Z'), Date.UTC(2026, 0, 1, 0, 0, 0, 300))
  t.is(instantOf('2026-01-01T00:00:00.304701605Z'), Date.UTC(2026, 0, 1, 0, 0, 0, 304))
  t.is(instantOf('2026-01-01T02:00:00+02:00'), Date.UTC(2026, 0, 1))
  for (const text of ['', '2026-01-01T00:00:00.3047016051Z', '2026-13-01T00:00:00Z', 'now']) {
    t.is(instantOf(text), Number.NaN)
  }
})
