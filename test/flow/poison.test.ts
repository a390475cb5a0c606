import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, hurry, unaccounted, until, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

const settings = { rates: { account: null, incremental: null } }
const broken = { family: 'comments', kind: 'status', status: 500, times: null } as const

test.serial(
  'tickets that Zendesk cannot show are set aside, and all others imported',
  async (t) => {
    await using simulator = await startSimulator({
      seed: t.title,
      minuteMs: 100,
      accounts: [
        { subdomain: 'acme', tickets: 60, days: 80, shape: { deletedShare: 0.1 }, settings },
      ],
    })
    const { api, db, config, connect } = await startFrontDoor(t, simulator)
    await connect('acme')
    await readTicketByTicket(db)
    await db.updateTable('cursor').set({ pageSize: 30 }).execute()
    const expected = [...simulator.expectedTranscripts('acme', { from: new Date(0) })]
    const poison = expected.filter((_, index) => index % 8 === 0).map((it) => it.ticketId)
    t.true(poison.length > 5)
    for (const ticketId of poison) await simulator.setFault({ ...broken, ticketId })
    hurry(t, db)
    startWorker(t, config)

    const [run] = await untilRunsEnd(db)

    t.is(run?.state, 'done')
    t.is(unaccounted({ ...run! }), 0)
    const setAside = await db
      .selectFrom('ticket')
      .select(['ticketId', 'reason'])
      .where('outcome', '=', 'quarantined')
      .orderBy('ticketId')
      .execute()
    t.deepEqual(
      setAside,
      poison.map((ticketId) => ({ ticketId, reason: 'Zendesk answers 500' })),
    )
    const missing = poison.map((ticketId) => `ticket ${ticketId}: not published`)
    t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(api)), missing)
  },
)

test.serial(
  'an outage without an end fails the import, which a new consent takes up',
  async (t) => {
    await using simulator = await startSimulator({
      seed: t.title,
      minuteMs: 100,
      accounts: [{ subdomain: 'acme', tickets: 40, days: 80, settings }],
    })
    const { api, db, config, connect, reconnect } = await startFrontDoor(t, simulator)
    const id = await connect('acme')
    await readTicketByTicket(db)
    await db.updateTable('cursor').set({ pageSize: 20 }).execute()
    await db.updateTable('run').set({ attempts: 28 }).execute()
    await simulator.setFault({ family: 'incremental', kind: 'reset', times: null })
    hurry(t, db)
    startWorker(t, config)

    const [failed] = await untilRunsEnd(db)
    await simulator.clearFaults()

    t.like(failed, { state: 'failed', errorCode: 'retries_exhausted', pages: 0 })
    await reconnect(id)
    await untilRunsEnd(db)
    t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(api)), [])
  },
)

test.serial('an outage costs no ticket, however few of them it hits', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { subdomain: 'few', tickets: 2, days: 80, settings },
      { subdomain: 'last', tickets: 25, days: 80, settings },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  await simulator.setFault({ ...broken, subdomain: 'few' })
  await simulator.setFault({ ...broken, subdomain: 'last', after: 20 })
  await connect('few', 'few')
  await connect('last', 'last')
  await readTicketByTicket(db)
  await db.updateTable('run').set({ attempts: 9 }).execute()
  hurry(t, db)
  startWorker(t, config)

  await until(async () => {
    const runs = await db.selectFrom('run').where('attempts', '>=', 6).select('attempts').execute()
    return runs.length === 2 && runs.some(({ attempts }) => attempts >= 12)
  })
  await simulator.clearFaults()
  const runs = await untilRunsEnd(db)

  for (const run of runs) t.like(run, { state: 'done', quarantined: 0 })
  for (const subdomain of ['few', 'last']) {
    t.deepEqual(differencesFrom(simulator, subdomain, await wholeFeed(api, subdomain)), [])
  }
})
