import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { destroyWebhookSecret } from '../../../src/credential/webhook/secret-store.ts'
import { IntegrationId } from '../../../src/ids.ts'
import { TermsStore } from '../../../src/webhook/terms/terms-store.ts'
import { testDatabase } from '../../support/database.ts'
import { recordingConnection } from '../../support/explain.ts'
import { anIntegration, testConfig } from '../../support/gateway.ts'
import { ACCOUNT_ID } from '../../support/signed.ts'
import { storeSigningSecret } from '../../support/webhook-rows.ts'

async function someTerms(t: ExecutionContext, options: { readonly production?: boolean } = {}) {
  const { url, db } = await testDatabase(t)
  const config = testConfig()
  const { integrationId } = await anIntegration(db)
  await storeSigningSecret(db, config, integrationId)
  const { db: recorded, sent } = recordingConnection(url, 4)
  t.teardown(() => recorded.destroy())
  const hearing = { isListening: true }
  const terms = new TermsStore({
    db: recorded,
    keys: config.secrets.encryptionKeys,
    production: options.production ?? false,
    isListening: () => hearing.isListening,
  })
  return { db, config, integrationId, terms, sent, hearing }
}

const anId = () => IntegrationId.parse(randomUUID())

test('what is asked for often is read once', async (t) => {
  const { terms, sent, integrationId } = await someTerms(t)

  const found = await Promise.all(Array.from({ length: 50 }, async () => terms.find(integrationId)))
  for (let count = 0; count < 50; count++) found.push(await terms.find(integrationId))

  t.is(new Set(found).size, 1)
  t.is(found[0]?.kind, 'key')
  t.is(sent.length, 1)
})

test('an id that nobody has is read once, and then known as such', async (t) => {
  const { terms, sent } = await someTerms(t)
  const id = anId()

  for (let count = 0; count < 20; count++) t.is((await terms.find(id)).kind, 'nobody')

  t.is(sent.length, 1)
})

test('a flood of ids that nobody has costs few statements, and drives nothing out', async (t) => {
  const { terms, sent, integrationId } = await someTerms(t)
  await terms.find(integrationId)

  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 1_000 }, async () => terms.find(anId())))
  }
  const read = sent.length
  await terms.find(integrationId)

  t.true(read <= 41 * 3, `${read} statements`)
  t.is(sent.length, read)
})

test('more ids at once than can be read soon are refused and not remembered', async (t) => {
  const { terms } = await someTerms(t)

  const outcomes = await Promise.allSettled(
    Array.from({ length: 20_000 }, async () => terms.find(anId())),
  )

  const refused = outcomes.filter(({ status }) => status === 'rejected').length
  t.true(refused > 10_000 && refused < 20_000, `${refused} refused`)
  t.is((await terms.find(anId())).kind, 'nobody')
})

test('what has changed is read again, also if it was being read', async (t) => {
  const { terms, db, config, integrationId, sent } = await someTerms(t)
  const before = await terms.find(integrationId)
  await storeSigningSecret(db, config, integrationId, 'the next secret')
  t.is(await terms.find(integrationId), before)

  terms.forget(integrationId)
  const reading = terms.find(integrationId)
  terms.forget(integrationId)
  const after = await reading

  t.is(sent.length, 3)
  t.true(after.kind === 'key' && after.key.export().toString() === 'the next secret')
  t.is(await terms.find(integrationId), after)
})

test('a webhook that is gone is forgotten with all others when changes went unheard', async (t) => {
  const { terms, db, integrationId } = await someTerms(t)
  await terms.find(integrationId)
  await db.transaction().execute((trx) => destroyWebhookSecret(trx, integrationId))

  terms.forgetAll()

  t.is((await terms.find(integrationId)).kind, 'no key')
})

test('of two accounts that come first at once one stands', async (t) => {
  const { terms, integrationId } = await someTerms(t)

  const pinned = await Promise.all([
    terms.pin(integrationId, ACCOUNT_ID),
    terms.pin(integrationId, ACCOUNT_ID + 1),
  ])

  t.deepEqual(pinned, [ACCOUNT_ID, ACCOUNT_ID])
  t.is(await terms.pin(integrationId, ACCOUNT_ID + 1), ACCOUNT_ID)
  t.like(await terms.find(integrationId), { kind: 'key', accountId: ACCOUNT_ID })
  t.is(await terms.pin(anId(), 1), undefined)
})

test('an empty secret is none: everybody could sign with it', async (t) => {
  const { terms, db, config, integrationId } = await someTerms(t)
  await storeSigningSecret(db, config, integrationId, '')

  t.is((await terms.find(integrationId)).kind, 'no key')
})
