import test, { type ExecutionContext } from 'ava'
import { freshCredential } from '../../src/credential/refresh-once.ts'
import { checkKeys } from '../../src/credential/keys-store.ts'
import { lockCredential, readCredential } from '../../src/credential/store.ts'
import { readWebhookSecret, saveWebhookSecret } from '../../src/credential/webhook/secret-store.ts'
import { resealOnce } from '../../src/housekeeping/reseal-once.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { testDatabase } from '../support/database.ts'
import { aGrant, anIntegration, storeGrant, testConfig } from '../support/gateway.ts'

const config = testConfig()
const [oldKey] = config.secrets.encryptionKeys as [{ id: string; key: Buffer }]
const newKey = { id: 'newer', key: Buffer.alloc(32, 9) }
const rotated = [newKey, oldKey]
const { signal } = new AbortController()

/** Credentials sealed with the old key, more than a batch of them if so many are asked for. */
async function aVault(t: ExecutionContext, count: number) {
  setLogLevel('silent')
  const { db } = await testDatabase(t)
  const ids = []
  for (let index = 0; index < count; index++) {
    const account = await anIntegration(db)
    await storeGrant(db, config, account, aGrant({ accessToken: `access-${index}` }))
    ids.push(account.integrationId)
  }
  const keyIds = async () => {
    const rows = await db.selectFrom('credential').select('keyId').distinct().execute()
    return rows.map((row) => row.keyId).toSorted()
  }
  return { db, ids, keyIds }
}

test('all credentials are sealed anew with the first key, and nothing else changes', async (t) => {
  const { db, ids, keyIds } = await aVault(t, 45)
  const before = await Promise.all(ids.map((id) => readCredential(db, [oldKey], id)))

  const counts = await resealOnce({ db, keys: rotated }, signal)

  t.deepEqual(counts, { resealed: 45, unopened: 0 })
  t.deepEqual(await keyIds(), ['newer'])
  // The old key can be taken out.
  await checkKeys(db, [newKey])
  t.deepEqual(await Promise.all(ids.map((id) => readCredential(db, [newKey], id))), before)
})

test('a credential without a refresh token is sealed anew as such', async (t) => {
  const { db } = await aVault(t, 0)
  const account = await anIntegration(db)
  await storeGrant(db, config, account, aGrant({ refreshToken: null, expiresAt: null }))

  await resealOnce({ db, keys: rotated }, signal)

  t.like(await readCredential(db, [newKey], account.integrationId), { refreshToken: null })
})

test('the secrets of webhooks are sealed anew as well', async (t) => {
  const { db, ids } = await aVault(t, 25)
  const known = () => Promise.all(ids.map((id) => readWebhookSecret(db, rotated, id)))
  for (const [index, id] of ids.entries()) {
    const webhook = {
      secret: `secret-${index}`,
      zendeskWebhookId: index === 0 ? null : `01J${index}`,
    }
    await db.transaction().execute((trx) => saveWebhookSecret(trx, [oldKey], id, webhook))
  }
  const before = await known()

  t.deepEqual(await resealOnce({ db, keys: rotated }, signal), { resealed: 50, unopened: 0 })

  await checkKeys(db, [newKey])
  t.deepEqual(await known(), before)
  t.is((await readWebhookSecret(db, [newKey], ids[0]!))?.secret, 'secret-0')
})

test('no process starts without the key of a webhook, or with other bytes of it', async (t) => {
  const { db, ids } = await aVault(t, 1)
  await resealOnce({ db, keys: rotated }, signal)
  const webhook = { secret: 'secret', zendeskWebhookId: null }
  await db.transaction().execute((trx) => saveWebhookSecret(trx, [oldKey], ids[0]!, webhook))

  await t.throwsAsync(checkKeys(db, [newKey]), { message: /sealed with key "test"/ })
  const other = { ...oldKey, key: Buffer.alloc(32, 5) }
  await t.throwsAsync(checkKeys(db, [newKey, other]), { message: /does not open/ })
  await t.notThrowsAsync(checkKeys(db, rotated))
})

test('with one key, or with all sealed by the first, there is nothing to do', async (t) => {
  const { db, keyIds } = await aVault(t, 2)

  t.deepEqual(await resealOnce({ db, keys: [oldKey] }, signal), { resealed: 0, unopened: 0 })
  t.deepEqual(await resealOnce({ db, keys: [oldKey, newKey] }, signal), {
    resealed: 0,
    unopened: 0,
  })
  t.deepEqual(await keyIds(), ['test'])
})

test('several workers at once share the credentials', async (t) => {
  const { db, keyIds } = await aVault(t, 30)

  await Promise.all([1, 2, 3].map(() => resealOnce({ db, keys: rotated }, signal)))

  // What one of them has locked, the others pass over.
  await resealOnce({ db, keys: rotated }, signal)
  t.deepEqual(await keyIds(), ['newer'])
})

test('a credential that a refresh holds is passed over, and gets the first key from it', async (t) => {
  const { db, ids, keyIds } = await aVault(t, 2)
  const [first] = ids
  if (first === undefined) return t.fail('no integration')

  const counts = await db.transaction().execute(async (trx) => {
    await lockCredential(trx, rotated, first)
    return resealOnce({ db, keys: rotated }, signal)
  })

  t.is(counts.resealed, 1)
  t.deepEqual(await keyIds(), ['newer', 'test'])
  const exchange = () => Promise.resolve(aGrant({ accessToken: 'access-new' }))
  const deps = { db, keys: rotated, clientId: 'hearflow', exchange }
  await freshCredential(deps, first, 'access-0')
  t.deepEqual(await keyIds(), ['newer'])
})

test('a credential that does not open is counted and keeps no other one from its turn', async (t) => {
  const { db, ids, keyIds } = await aVault(t, 3)
  const [spoilt] = ids.toSorted()
  if (spoilt === undefined) return t.fail('no integration')
  await db
    .updateTable('credential')
    .set({ accessToken: Buffer.alloc(64) })
    .where('integrationId', '=', spoilt)
    .execute()

  t.deepEqual(await resealOnce({ db, keys: rotated }, signal), { resealed: 2, unopened: 1 })
  t.deepEqual(await keyIds(), ['newer', 'test'])
})

test('a key that is not at hand is left to those who have it', async (t) => {
  const { db, keyIds } = await aVault(t, 2)
  const third = { id: 'third', key: Buffer.alloc(32, 3) }

  t.deepEqual(await resealOnce({ db, keys: [newKey, third] }, signal), {
    resealed: 0,
    unopened: 0,
  })
  t.deepEqual(await keyIds(), ['test'])
})
