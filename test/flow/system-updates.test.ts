import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { untilRunsEnd } from '../support/truth.ts'

/** `TICKETS` sets another size. */
const TICKETS = Number(process.env['TICKETS'] ?? 4_000)
const PAGE = 1_000

test('tickets that Zendesk touched for reasons of its own cost no request but their pages', async (t) => {
  t.timeout(900_000)
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: TICKETS,
        days: 80,
        shape: { bigTickets: 0, deletedShare: 0, onePageEach: true },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator, {
    ZENDESK_QUOTA_SHARE: '1',
  })
  const integrationId = await connect('acme')
  startWorker(t, config)
  await untilRunsEnd(db, 600)
  const before = (await wholeFeed(api)).length

  for (let ticketId = 1; ticketId <= TICKETS; ticketId++) {
    await simulator.mutate('acme', { kind: 'system_update', ticketId })
  }
  await simulator.advanceClock(5_000)
  await simulator.clearRequests()
  await db
    .insertInto('run')
    .values({ integrationId, kind: 'sync', windowFrom: new Date() })
    .execute()
  const run = (await untilRunsEnd(db, 600)).find(({ kind }) => kind === 'sync')

  t.like(run, { state: 'done', ticketsSeen: TICKETS, unchanged: TICKETS, published: 0 })
  const { byFamilyAndStatus: requests } = await simulator.counters('acme')
  t.is(requests['comments 200'], undefined)
  // The last page may be full, so that only the next one shows the end of the stream.
  t.true((requests['incremental 200'] ?? 0) <= Math.ceil(TICKETS / PAGE) + 1)
  t.is((await wholeFeed(api)).length, before)
})
