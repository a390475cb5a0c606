import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import test from 'ava'
import { PUBLIC_TEST_SECRET } from '../../src/credential/webhook/test-secret.ts'
import { anIntegration } from '../support/gateway.ts'
import { RawConnection, rawRequest } from '../support/raw-http.ts'
import { ACCOUNT_ID, eventBody, signedHeaders, timestampAt } from '../support/signed.ts'
import { until } from '../support/truth.ts'
import { storeSigningSecret } from '../support/webhook-rows.ts'
import { startWebhookWeb } from '../support/webhooks.ts'

const MINUTE = 60_000

test('a signed event is one hint, and is acknowledged as often as it comes', async (t) => {
  const { send, hints, db, integrationId } = await startWebhookWeb(t)
  const body = eventBody({ id: 'the-event', ticketId: 77 })

  for (let copy = 0; copy < 3; copy++) {
    const { status, json } = await send({ body })
    t.is(status, 200)
    t.deepEqual(json, { status: 'stored' })
  }

  t.deepEqual(await hints(), [{ eventId: 'the-event', ticketId: 77 }])
  const row = await db.selectFrom('hint').selectAll().executeTakeFirstOrThrow()
  t.like(row, { integrationId, type: 'comment_added', class: 'content', outcome: null })
})

test('the copies of an event that come at once are one hint', async (t) => {
  const { send, hints } = await startWebhookWeb(t)
  const bodies = ['a', 'b', 'c'].map((id) => eventBody({ id }))

  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => send({ body: bodies[index % 3] ?? '' })),
  )

  t.true(answers.every(({ status }) => status === 200))
  t.is((await hints()).length, 3)
})

test('what takes words back is a hint of privacy', async (t) => {
  const { send, db } = await startWebhookWeb(t)

  await send({ body: eventBody({ id: 'a', type: 'zen:event-type:ticket.comment_redacted' }) })

  const rows = await db.selectFrom('hint').select(['type', 'class']).execute()
  t.deepEqual(rows, [{ type: 'comment_redacted', class: 'privacy' }])
})

test('a type that means nothing to us is acknowledged and leaves nothing', async (t) => {
  const { send, hints } = await startWebhookWeb(t)

  const { status, json } = await send({
    body: eventBody({ id: 'a', type: 'zen:event-type:ticket.brand_new' }),
  })

  t.is(status, 200)
  t.deepEqual(json, { status: 'ignored' })
  t.deepEqual(await hints(), [])
})

test('who cannot sign is refused, in whichever way', async (t) => {
  const { send, hints } = await startWebhookWeb(t)
  const body = eventBody({ id: 'a' })
  const signature = (value: string) => ({ 'x-zendesk-webhook-signature': value })
  const instant = (value: string) => ({ 'x-zendesk-webhook-signature-timestamp': value })
  const right = signedHeaders(body)['x-zendesk-webhook-signature'] ?? ''

  const answers = await Promise.all([
    send({ body, headers: signature('') }),
    send({ body, headers: instant('') }),
    send({ body, headers: signature(right.slice(0, 20)) }),
    send({ body, headers: signature(right.toLowerCase()) }),
    send({ body, headers: instant(timestampAt(Date.now() + 1_000)) }),
    send({ body, secret: 'another secret' }),
    send({ body, secret: PUBLIC_TEST_SECRET }),
    send({ body, timestamp: timestampAt(Date.now() - 11 * MINUTE) }),
    send({ body, timestamp: timestampAt(Date.now() + 6 * MINUTE) }),
    send({ body: '{"test":true}', secret: 'another secret' }),
  ])

  t.deepEqual([...new Set(answers.map(({ status }) => status))], [401])
  t.deepEqual(await hints(), [])
})

test('a delivery that was under way for nine minutes is taken', async (t) => {
  const { send } = await startWebhookWeb(t)

  t.is((await send({ timestamp: timestampAt(Date.now() - 9 * MINUTE) })).status, 200)
})

test('what is signed and no event is refused as such', async (t) => {
  const { send, hints } = await startWebhookWeb(t)

  for (const body of ['{"test":true}', 'not json', '', '[]', '{"type":']) {
    const { status, at } = await send({ body })
    t.is(status, 400)
    t.is(at('error.code'), 'malformed')
  }
  t.deepEqual(await hints(), [])
})

test('nobody is there at an address that names no integration', async (t) => {
  const { send, db, integrationId } = await startWebhookWeb(t)
  const gone = await anIntegration(db)
  await db
    .updateTable('integration')
    .set({ status: 'disconnected' })
    .where('id', '=', gone.integrationId)
    .execute()

  for (const to of [randomUUID(), gone.integrationId, 'not-an-id', '%00', `${integrationId}0`]) {
    t.is((await send({ to })).status, 404, to)
  }
  t.is((await send({ to: integrationId.toUpperCase() })).status, 200)
})

test('an integration that waits, that failed or that knows no secret still has its address', async (t) => {
  const { send, db, integrationId } = await startWebhookWeb(t)
  const silent = await anIntegration(db)
  for (const status of ['paused', 'active'] as const) {
    await db.updateTable('integration').set({ status }).execute()
    t.is((await send()).status, 200)
  }

  t.is((await send({ to: silent.integrationId })).status, 401)
  t.is((await send({ to: integrationId })).status, 200)
})

test('the first signed delivery says whose account it is, for good', async (t) => {
  const { send, hints, db } = await startWebhookWeb(t)
  const ids = { accountId: ACCOUNT_ID + 1 }

  t.is((await send({ body: eventBody({ id: 'first' }) })).status, 200)
  const other = await send(ids)
  t.is(other.status, 400)
  t.is(other.at('error.code'), 'account_mismatch')
  t.is((await send({ body: eventBody({ id: 'second' }) })).status, 200)

  t.deepEqual(
    (await hints()).map(({ eventId }) => eventId),
    ['first', 'second'],
  )
  const { accountId } = await db.selectFrom('webhook').selectAll().executeTakeFirstOrThrow()
  t.is(accountId, ACCOUNT_ID)
})

test('a header that names another account than the body is refused', async (t) => {
  const { send, hints } = await startWebhookWeb(t)

  t.is((await send({ headers: { 'x-zendesk-account-id': '7' } })).status, 400)
  t.is((await send({ headers: { 'x-zendesk-account-id': '' } })).status, 200)
  t.is((await hints()).length, 1)
})

test('a body over 1 MiB is too large, announced or not, and one of 1 MiB is not', async (t) => {
  const { send, url, integrationId, hints } = await startWebhookWeb(t)
  const padded = (bytes: number) => {
    const body = eventBody({ id: `of-${bytes}` })
    return body + ' '.repeat(bytes - body.length)
  }

  t.is((await send({ body: padded(1024 * 1024) })).status, 200)
  const tooLarge = padded(1024 * 1024 + 1)
  t.is((await send({ body: tooLarge })).status, 413)
  t.is((await send({ body: padded(3_000_000) })).status, 413)
  t.is(await sendChunked(`${url}/webhooks/zendesk/${integrationId}`, tooLarge), 413)
  t.is(await sendChunked(`${url}/webhooks/zendesk/${integrationId}`, padded(5_000)), 200)
  t.deepEqual(
    (await hints()).map(({ eventId }) => eventId),
    ['of-1048576', 'of-5000'],
  )
})

function sendChunked(url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: signedHeaders(body) })
    sent.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    const half = Math.floor(body.length / 2)
    sent.write(body.slice(0, half))
    sent.end(body.slice(half))
  })
}

test('deliveries whose bodies never end hold up no other one and leave nothing', async (t) => {
  const { send, url, integrationId, hints } = await startWebhookWeb(t)
  const body = eventBody({ id: 'never-whole' })
  const path = `/webhooks/zendesk/${integrationId}`
  const headers = { ...signedHeaders(body), 'content-length': String(body.length) }
  const hung = Array.from({ length: 50 }, () => new RawConnection(Number(new URL(url).port)))
  t.teardown(() => hung.forEach((connection) => connection.close()))
  const begun = Buffer.from(body.slice(0, -1))
  const answers = hung.map((connection) => connection.send(rawRequest(path, headers, begun)))

  t.is((await send({ body: eventBody({ id: 'whole' }) })).status, 200)

  t.deepEqual(
    (await hints()).map(({ eventId }) => eventId),
    ['whole'],
  )
  for (const connection of hung) connection.close()
  t.deepEqual(new Set(await Promise.all(answers)), new Set(['closed']))
})

test('another method is told which one there is', async (t) => {
  const { ask, integrationId } = await startWebhookWeb(t)

  const { status, headers } = await ask('GET', `/webhooks/zendesk/${integrationId}`)

  t.is(status, 405)
  t.regex(headers.get('allow') ?? '', /POST/)
})

test('in production the public test secret opens nothing', async (t) => {
  const { send, db, config, integrationId, hints } = await startWebhookWeb(t, {
    NODE_ENV: 'production',
  })
  await storeSigningSecret(db, config, integrationId, PUBLIC_TEST_SECRET)

  await until(async () => (await send()).status === 401)
  t.is((await send({ secret: PUBLIC_TEST_SECRET })).status, 401)
  t.deepEqual(await hints(), [])
})

test('a secret that does not open is asked for again, not refused', async (t) => {
  const { send, db, hints } = await startWebhookWeb(t)
  await db.updateTable('webhook').set({ keyId: 'lost' }).execute()

  const { status, headers } = await send()

  t.is(status, 503)
  t.is(headers.get('retry-after'), '10')
  t.deepEqual(await hints(), [])
})

test('when deliveries last came in is written down', async (t) => {
  const { send, db } = await startWebhookWeb(t)
  const receivedAt = async () =>
    (await db.selectFrom('webhook').select('lastReceivedAt').executeTakeFirstOrThrow())
      .lastReceivedAt
  t.is((await send({ secret: 'another' })).status, 401)
  t.is(await receivedAt(), null)

  await send()

  await until(async () => (await receivedAt()) !== null)
  t.pass()
})
