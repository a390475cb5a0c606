import test, { type ExecutionContext } from 'ava'
import {
  readWebhookSecret,
  saveWebhookSecret,
} from '../../../src/credential/webhook/secret-store.ts'
import { PUBLIC_TEST_SECRET } from '../../../src/credential/webhook/test-secret.ts'
import { IntegrationId } from '../../../src/ids.ts'
import { requestWebhookCheck } from '../../../src/integration/webhook/check-store.ts'
import { dumpRows } from '../../support/dump.ts'
import { type AskOptions, startTestWeb } from '../../support/web.ts'

const SECRET = 'a-signing-secret-of-forty-four-characters-=='

async function anIntegration(t: ExecutionContext, overrides = {}) {
  const web = await startTestWeb(t, overrides)
  const { ask, db, config } = web
  await ask('PUT', '/admin/workspaces/w1')
  const begun = await ask('POST', '/admin/workspaces/w1/zendesk', { json: { subdomain: 'acme' } })
  const id = IntegrationId.parse(begun.at('integration_id'))
  return {
    ...web,
    id,
    keys: config.secrets.encryptionKeys,
    put: (secret: unknown, options: AskOptions = {}) =>
      ask('PUT', `/admin/integrations/${id}/webhook-secret`, { json: { secret }, ...options }),
    known: () => readWebhookSecret(db, config.secrets.encryptionKeys, id),
  }
}

test('the secret of a webhook made by hand is taken, sealed and never shown', async (t) => {
  const { put, known, id, databaseUrl, ask } = await anIntegration(t)

  const answer = await put(`  ${SECRET}\n`)

  t.is(answer.status, 200)
  t.like(answer.json, { id })
  t.like(answer.at('webhook'), { state: 'manual', problem: null, last_received_at: null })
  t.like(await known(), { secret: SECRET, zendeskWebhookId: null })
  t.false((await dumpRows(databaseUrl)).includes(SECRET))
  t.false(answer.text.includes(SECRET))
  t.is((await ask('GET', `/admin/integrations/${id}`)).at('webhook.state'), 'manual')
})

test('another secret takes its place, and the service makes no webhook any more', async (t) => {
  const { put, known, db, id } = await anIntegration(t)
  await db.transaction().execute((trx) => requestWebhookCheck(trx, id))
  await put(SECRET)

  const answer = await put(SECRET.toUpperCase())

  t.is(answer.status, 200)
  t.like(await known(), { secret: SECRET.toUpperCase() })
  t.deepEqual(await db.selectFrom('webhookCheck').selectAll().execute(), [])
})

test('a secret that cannot be one is refused by its field, and not repeated', async (t) => {
  const { put, known } = await anIntegration(t)
  const bad = [
    '',
    '   ',
    'short',
    'x'.repeat(201),
    'with a space inside it',
    'ümläut-in-a-secret',
    7,
  ]

  for (const secret of [...bad, null, undefined, ['x'.repeat(44)]]) {
    const answer = await put(secret)

    t.is(answer.status, 422, JSON.stringify(secret))
    t.regex(String((answer.at('error.details') as string[])[0]), /^secret: expected /)
  }
  t.is(await known(), undefined)
  const unknown = await put(SECRET, { json: { secret: SECRET, algorithm: 'SHA256' } })
  t.is(unknown.status, 422)
  t.deepEqual(unknown.at('error.details'), ['algorithm: unknown field'])
})

test('the secret that everybody knows is refused in production only', async (t) => {
  const development = await anIntegration(t)
  const production = await anIntegration(t, { NODE_ENV: 'production' })

  t.is((await development.put(PUBLIC_TEST_SECRET)).status, 200)
  const refused = await production.put(PUBLIC_TEST_SECRET)

  t.is(refused.status, 422)
  t.regex(String(refused.at('error.details')), /secret: everybody knows this secret/)
  t.is(await production.known(), undefined)
})

test('where the service has made the webhook itself, a secret is refused', async (t) => {
  const { put, known, db, id, keys } = await anIntegration(t)
  const ours = { secret: 'ours', zendeskWebhookId: '01J' }
  await db.transaction().execute((trx) => saveWebhookSecret(trx, keys, id, ours))

  const answer = await put(SECRET)

  t.is(answer.status, 409)
  t.is(answer.at('error.code'), 'already_provisioned')
  t.like(await known(), ours)
})

test('a disconnected integration takes no secret', async (t) => {
  const { put, known, db } = await anIntegration(t)
  await db.updateTable('integration').set({ status: 'disconnected' }).execute()

  const answer = await put(SECRET)

  t.is(answer.status, 409)
  t.is(answer.at('error.code'), 'disconnected')
  t.is(await known(), undefined)
})

test('an integration that nobody knows is not found, and nobody else may ask', async (t) => {
  const { put, ask } = await anIntegration(t, { READ_TOKEN: 'the-read-token' })
  const json = { secret: SECRET }
  const nobody = '/admin/integrations/00000000-0000-4000-8000-000000000000/webhook-secret'

  t.is((await ask('PUT', nobody, { json })).status, 404)
  t.is((await ask('PUT', '/admin/integrations/none/webhook-secret', { json })).status, 404)
  t.is((await put(SECRET, { token: null })).status, 401)
  t.is((await put(SECRET, { token: 'the-read-token' })).status, 401)
})
