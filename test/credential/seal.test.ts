import { randomBytes } from 'node:crypto'
import test from 'ava'
import { DateTime } from 'luxon'
import {
  type Credential,
  needsRefresh,
  refreshDueMs,
  renewalDue,
} from '../../src/credential/credential.ts'
import { NONCE_BYTES, type SealContext, seal, unseal } from '../../src/credential/seal.ts'
import { CredentialError } from '../../src/platform/errors.ts'

const oldKey = { id: 'old', key: randomBytes(32) }
const newKey = { id: 'new', key: randomBytes(32) }
const nonce = randomBytes(NONCE_BYTES)
const place: SealContext = { integrationId: 'one', field: 'access_token' }

test('what is sealed opens again, and does not stand in the sealed bytes', (t) => {
  const { keyId, sealed } = seal([newKey, oldKey], place, 'töken ▇', nonce)

  t.is(keyId, 'new')
  t.false(sealed.includes('ken'))
  t.is(unseal([newKey], keyId, place, sealed), 'töken ▇')
})

test('sealed bytes are nonce, ciphertext and tag', (t) => {
  const { sealed } = seal([newKey], place, 'abc', nonce)

  t.is(sealed.length, NONCE_BYTES + 3 + 16)
  t.deepEqual(sealed.subarray(0, NONCE_BYTES), nonce)
})

test('a retired key still opens what it sealed', (t) => {
  const { keyId, sealed } = seal([oldKey], place, 'token', nonce)

  t.is(unseal([newKey, oldKey], keyId, place, sealed), 'token')
})

test('a key that is not configured is named, with the variable to put it into', (t) => {
  const { keyId, sealed } = seal([oldKey], place, 'token', nonce)

  const error = t.throws(() => unseal([newKey], keyId, place, sealed), {
    instanceOf: CredentialError,
  })

  t.regex(error.message, /"old".*ENCRYPTION_KEYS/)
})

const refuses = test.macro({
  title: (title) => `${title} does not open`,
  exec: (t, change: (sealed: Buffer) => Parameters<typeof unseal>) => {
    const { sealed } = seal([newKey], place, 'token', nonce)

    t.throws(() => unseal(...change(sealed)), { instanceOf: CredentialError })
  },
})

test('a value copied to another integration', refuses, (sealed) => [
  [newKey],
  'new',
  { ...place, integrationId: 'two' },
  sealed,
])
test('a value copied to another column', refuses, (sealed) => [
  [newKey],
  'new',
  { ...place, field: 'refresh_token' },
  sealed,
])
test('another key under the same id', refuses, (sealed) => [
  [{ ...oldKey, id: 'new' }],
  'new',
  place,
  sealed,
])
test('a value with one bit changed', refuses, (sealed) => {
  sealed.writeUInt8(sealed.readUInt8(NONCE_BYTES) ^ 1, NONCE_BYTES)
  return [[newKey], 'new', place, sealed]
})
test('a value cut short', refuses, (sealed) => [[newKey], 'new', place, sealed.subarray(0, 20)])
test('nothing', refuses, () => [[newKey], 'new', place, Buffer.alloc(0)])

const start = DateTime.fromISO('2026-01-01T00:00:00Z', { zone: 'utc' })

function aCredential(fields: Partial<Credential>): Credential {
  return {
    accessToken: 'access',
    refreshToken: 'refresh',
    clientId: 'hearflow',
    scope: 'read',
    expiresAt: start.plus({ days: 1 }),
    refreshExpiresAt: null,
    refreshedAt: start,
    refreshStartedAt: null,
    ...fields,
  }
}

const isDue = test.macro({
  title: (title) => `a token is due ${title}`,
  exec: (t, fields: Partial<Credential>, expected: number) => {
    t.is(refreshDueMs(aCredential(fields)), expected)
  },
})

test('five minutes before the end of a day', isDue, {}, start.toMillis() + 86_400_000 - 300_000)
test(
  'five minutes before the end of half an hour',
  isDue,
  { expiresAt: start.plus({ minutes: 30 }) },
  start.toMillis() + 25 * 60_000,
)
test(
  'at half of two seconds',
  isDue,
  { expiresAt: start.plus({ seconds: 2 }) },
  start.toMillis() + 1_000,
)
test('never without an end', isDue, { expiresAt: null }, Infinity)
test('never without a refresh token', isDue, { refreshToken: null }, Infinity)

test('a token that was just refused needs a refresh, whatever its age', (t) => {
  t.true(needsRefresh(aCredential({}), start.toMillis(), 'access'))
  t.false(needsRefresh(aCredential({}), start.toMillis(), 'another'))
})

const isRenewed = test.macro({
  title: (title) => `an unused refresh token is renewed ${title}`,
  exec: (t, fields: Partial<Credential>, expected: Date | null) => {
    t.deepEqual(renewalDue(aCredential(fields), start), expected)
  },
})

test(
  'at half of its life',
  isRenewed,
  { refreshExpiresAt: start.plus({ days: 30 }) },
  start.plus({ days: 15 }).toJSDate(),
)
test('after a week where its end is not known', isRenewed, {}, start.plus({ days: 7 }).toJSDate())
test('never where there is none', isRenewed, { refreshToken: null }, null)
