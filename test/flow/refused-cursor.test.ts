import test from 'ava'
import { readIntegration } from '../../src/demo/api.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, untilRunsEnd } from '../support/truth.ts'

const PAGE_SIZE = 5

test('cursors that are refused for ever end loudly where a second fills more than a page', async (t) => {
  const account = {
    tickets: 40,
    days: 80,
    settings: { rates: { account: null, incremental: null } },
  }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { ...account, subdomain: 'sparse', shape: { sameSecond: 1 } },
      { ...account, subdomain: 'dense', shape: { sameSecond: 20 } },
    ],
  })
  const { api, db, config, connect, reconnect } = await startFrontDoor(t, simulator)
  const sparse = await connect('sparse', 'sparse')
  const dense = await connect('dense', 'dense')
  await db.updateTable('cursor').set({ pageSize: PAGE_SIZE }).execute()
  const onlyCursors = { path: 'incremental/tickets/cursor', query: 'cursor=' } as const
  await simulator.setFault({ ...onlyCursors, kind: 'status', status: 400, times: null })
  startWorker(t, config)

  const runs = await untilRunsEnd(db)

  // From instant to instant each page brings something new.
  t.is(runs.find(({ integrationId }) => integrationId === sparse)?.state, 'done')
  t.deepEqual(differencesFrom(simulator, 'sparse', await wholeFeed(api, 'sparse')), [])
  const halted = runs.find(({ integrationId }) => integrationId === dense)
  t.is(`${halted?.state} ${halted?.errorCode}`, 'failed zendesk_shape')
  t.is((await readIntegration(api, dense)).error?.code, 'zendesk_shape')

  await simulator.clearFaults()
  await reconnect(dense)
  await untilRunsEnd(db)
  t.deepEqual(differencesFrom(simulator, 'dense', await wholeFeed(api, 'dense')), [])
})
