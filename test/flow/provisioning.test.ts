import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, until, untilRunsEnd } from '../support/truth.ts'

test('an account that refuses webhooks is imported all the same, and gets one when it may', async (t) => {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 40,
        shape: { bigTickets: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  await simulator.setFault({ kind: 'status', status: 403, family: 'webhooks', times: null })
  const door = await startFrontDoor(t, simulator, { ZENDESK_SCOPE: 'read webhooks:write' })
  await door.connect('acme')

  startWorker(t, door.config)
  await untilRunsEnd(door.db)
  const checkOf = () => door.db.selectFrom('webhookCheck').selectAll().executeTakeFirstOrThrow()
  await until(async () => (await checkOf()).problem === 'forbidden')

  t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(door.api)), [])
  const { status } = await door.db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()
  t.is(status, 'active')

  await simulator.clearFaults()
  await door.db
    .updateTable('webhookCheck')
    .set({ dueAt: new Date(0) })
    .execute()
  await until(async () => (await checkOf()).checkedAt !== null)
  const webhook = await door.db.selectFrom('webhook').selectAll().executeTakeFirstOrThrow()
  t.regex(webhook.zendeskWebhookId ?? '', /^\w{26}$/)
})
