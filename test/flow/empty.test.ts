import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { untilRunsEnd } from '../support/truth.ts'

test('an account without a ticket in the window is imported all the same', async (t) => {
  const rates = { account: null, incremental: null }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { subdomain: 'empty', tickets: 0, settings: { rates } },
      { subdomain: 'silent', tickets: 0, settings: { rates, nullCursorWhenEmpty: true } },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  await connect('empty')
  await connect('silent')
  startWorker(t, config)

  const runs = await untilRunsEnd(db)

  t.is(runs.length, 2)
  for (const run of runs) t.like(run, { state: 'done', ticketsSeen: 0, pages: 1 })
  t.deepEqual(await wholeFeed(api), [])
})
