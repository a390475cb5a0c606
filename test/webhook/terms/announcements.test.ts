import test from 'ava'
import { destroyWebhookSecret } from '../../../src/credential/webhook/secret-store.ts'
import { startWeb } from '../../../src/web.ts'
import { Announcements } from '../../../src/webhook/terms/announcements-client.ts'
import { testDatabase } from '../../support/database.ts'
import { anIntegration, testConfig } from '../../support/gateway.ts'
import { startPostgresProxy } from '../../support/postgres-proxy.ts'
import { ACCOUNT_ID, SIGNING_SECRET, eventBody, signedHeaders } from '../../support/signed.ts'
import { until } from '../../support/truth.ts'
import { storeSigningSecret } from '../../support/webhook-rows.ts'
import { startWebhookWeb } from '../../support/webhooks.ts'

test('a rotation, an account and a disconnection reach the other processes', async (t) => {
  const { send, db, config, integrationId } = await startWebhookWeb(t)
  const other = await startWeb(config)
  t.teardown(() => other[Symbol.asyncDispose]())
  const sendToOther = async (secret: string, accountId = ACCOUNT_ID): Promise<number> => {
    const body = eventBody({ id: 'an-event', accountId })
    const headers = signedHeaders(body, { secret, accountId })
    const url = `http://127.0.0.1:${other.port}/webhooks/zendesk/${integrationId}`
    return (await fetch(url, { method: 'POST', headers, body })).status
  }

  t.is(await sendToOther(SIGNING_SECRET), 200)
  t.is((await send()).status, 200)
  await storeSigningSecret(db, config, integrationId, 'the next secret')
  await until(async () => (await sendToOther('the next secret')) === 200)
  t.is(await sendToOther(SIGNING_SECRET), 401)
  await until(async () => (await send({ secret: 'the next secret' })).status === 200)
  t.is(await sendToOther('the next secret', ACCOUNT_ID + 1), 400)

  await db.transaction().execute(async (trx) => {
    await destroyWebhookSecret(trx, integrationId)
    await trx.updateTable('integration').set({ status: 'disconnected' }).execute()
  })
  await until(async () => (await sendToOther('the next secret')) === 404)
  await until(async () => (await send({ secret: 'the next secret' })).status === 404)
})

test('a gap is told when it begins and when it ends, and changes are heard after it', async (t) => {
  const { url, db } = await testDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  const config = testConfig()
  const { integrationId } = await anIntegration(db)
  let gaps = 0
  const heard: string[] = []
  const announcements = new Announcements(proxy.url, {
    onChange: (id) => heard.push(id),
    onGap: () => gaps++,
  })
  t.teardown(() => announcements[Symbol.asyncDispose]())
  await until(async () => announcements.isListening())
  t.is(gaps, 1)

  proxy.shut(true)
  await until(async () => !announcements.isListening())
  t.true(gaps >= 2)
  const during = gaps
  proxy.shut(false)
  await until(async () => announcements.isListening())
  t.true(gaps > during)
  await storeSigningSecret(db, config, integrationId)

  await until(async () => heard.length > 0)
  t.deepEqual(heard, [integrationId])
})
