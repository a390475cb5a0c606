import test from 'ava'
import type { FaultKind } from '../../src/simulator/faults/fault.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { goOnToTheEnd, haltedCursor, importHalf, integrationJson } from '../support/half-import.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, until, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

const DAY_MS = 86_400_000

test.serial(
  'access taken back in the middle stops the import, which goes on from there',
  async (t) => {
    await using it = await importHalf(t)

    await it.simulator.revokeTokens('acme')
    const cursor = await haltedCursor(t, it, 'credentials_revoked')

    await goOnToTheEnd(t, it, cursor)
  },
)

test.serial('a role lost in the middle stops the import, which goes on from there', async (t) => {
  await using it = await importHalf(t)

  await it.simulator.setAccount('acme', { role: 'agent' })
  const cursor = await haltedCursor(t, it, 'role_insufficient')

  await it.simulator.setAccount('acme', { role: 'admin' })
  await goOnToTheEnd(t, it, cursor)
})

test.serial('a user who may see nothing any more costs no ticket', async (t) => {
  await using it = await importHalf(t, ({ db }) => readTicketByTicket(db))

  await it.simulator.setFault({ family: 'comments', kind: 'status', status: 403, times: null })
  // The next page has come; what stands on it is refused, ticket by ticket.
  await until(async () => (await it.simulator.listFaults()).some(({ hit }) => hit > 0))
  await it.simulator.setAccount('acme', { role: 'agent' })
  const cursor = await haltedCursor(t, it, 'role_insufficient')

  await it.simulator.clearFaults()
  await it.simulator.setAccount('acme', { role: 'admin' })
  await goOnToTheEnd(t, it, cursor)
})

test.serial('a refresh whose answer is lost asks for a new consent', async (t) => {
  await using it = await importHalf(t)

  await it.simulator.setFault({ family: 'oauth', kind: 'lost_answer' })
  await it.simulator.advanceClock(2 * DAY_MS)
  const cursor = await haltedCursor(t, it, 'credentials_revoked')

  const shown = await integrationJson(it)
  t.true(shown.reconnect_required)
  t.regex(shown.error?.message ?? '', /refresh was cut short and the new tokens were lost/)
  t.regex(shown.error?.action ?? '', /^reconnect the account/)
  // Once into the silence, once to find out.
  t.like(await it.simulator.tokenUse('acme'), { refreshes: 1, mostUsesOfOneRefreshToken: 2 })
  await goOnToTheEnd(t, it, cursor)
})

test.serial('a token that ends in the middle is refreshed once, and nobody notices', async (t) => {
  await using it = await importHalf(t)

  await it.simulator.advanceClock(2 * DAY_MS)
  const runs = await untilRunsEnd(it.db)

  t.deepEqual(
    runs.map((run) => run.state),
    ['done'],
  )
  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
  t.like(await it.simulator.tokenUse('acme'), {
    refreshes: 1,
    mostUsesOfOneRefreshToken: 1,
    deadRefreshTokensUsed: 0,
  })
})

test.serial('a token is refreshed before its end, once for all requests under way', async (t) => {
  await using it = await importHalf(t, async ({ db }) => {
    await db.updateTable('credential').set({ expiresAt: new Date() }).execute()
  })

  await untilRunsEnd(it.db)

  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
  t.like(await it.simulator.tokenUse('acme'), {
    refreshes: 1,
    mostUsesOfOneRefreshToken: 1,
    deadAccessTokensUsed: 0,
  })
})

const passing: readonly FaultKind[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, retryAfter: '0.05', html: true },
  { kind: 'rate_limited', retryAfter: '0.05' },
  { kind: 'rate_limited', retryAfter: null, html: true },
  { kind: 'html' },
  { kind: 'empty' },
  { kind: 'reset' },
]

test.serial('a refresh that Zendesk is not able to answer is asked for again', async (t) => {
  const accounts = passing.map((fault, index) => ({ fault, subdomain: `acme${index}` }))
  const settings = { rates: { account: null, incremental: null } }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: accounts.map(({ subdomain }) => ({ subdomain, tickets: 20, days: 80, settings })),
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  for (const { subdomain } of accounts) await connect(subdomain, subdomain)
  await simulator.advanceClock(2 * DAY_MS)
  for (const { subdomain, fault } of accounts) {
    await simulator.setFault({ ...fault, subdomain, family: 'oauth' })
  }
  startWorker(t, config)

  const runs = await untilRunsEnd(db)

  for (const run of runs) t.is(run.state, 'done')
  for (const { hit } of await simulator.listFaults()) t.is(hit, 1)
  for (const { subdomain } of accounts) {
    const feed = await wholeFeed(api, subdomain)
    t.deepEqual(differencesFrom(simulator, subdomain, feed), [], subdomain)
    t.like(await simulator.tokenUse(subdomain), { refreshes: 1, mostUsesOfOneRefreshToken: 1 })
  }
})
