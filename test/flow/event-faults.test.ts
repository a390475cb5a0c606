import test from 'ava'
import type { RunPlan } from '../../src/run/plan.ts'
import type { FaultKind } from '../../src/simulator/faults/fault.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, hurry, leaksIn, unaccounted, untilRunsEnd } from '../support/truth.ts'

const FAULTS: readonly FaultKind[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 400 },
  { kind: 'rate_limited', retryAfter: '1' },
  { kind: 'page_too_big', above: 45 },
  { kind: 'html' },
  { kind: 'empty' },
  { kind: 'reset' },
  { kind: 'cut_answer' },
  { kind: 'truncated' },
  { kind: 'unmoved_cursor' },
  { kind: 'repeated_page' },
  { kind: 'unknown_fields' },
  { kind: 'missing_field', field: 'ticket_events' },
  { kind: 'missing_field', field: 'end_time' },
  { kind: 'missing_field', field: 'child_events' },
  { kind: 'missing_field', field: 'public' },
  { kind: 'missing_field', field: 'event_type' },
  { kind: 'missing_field', field: 'created_at' },
  { kind: 'set_field', field: 'ticket_events', value: [] },
]

test('whatever goes wrong with a page of the event stream, each ticket is published once', async (t) => {
  const accounts = FAULTS.map((fault, index) => ({ fault, subdomain: `acme${index}` }))
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: accounts.map(({ subdomain }) => ({
      subdomain,
      tickets: 60,
      days: 80,
      shape: { bigTickets: 0 },
      settings: { rates: { account: null, incremental: null } },
    })),
  })
  const { api, db, url, config, connect } = await startFrontDoor(t, simulator)
  for (const { subdomain } of accounts) await connect(subdomain, subdomain)
  await db.updateTable('run').set({ plan: '{"aim":"frugal"}' }).execute()
  await db.updateTable('cursor').set({ pageSize: 30 }).execute()
  // Small pages, so that there is one before the fault and one after it.
  for (const { id } of await db.selectFrom('integration').select('id').execute()) {
    const windowFrom = new Date(Date.now() - 90 * 86_400_000)
    const stream = { wholeSince: windowFrom, readUntil: windowFrom, pageSize: 40 }
    await db
      .insertInto('eventStream')
      .values({ integrationId: id, ...stream })
      .execute()
  }
  for (const { subdomain, fault } of accounts) {
    await simulator.setFault({ ...fault, subdomain, path: 'ticket_events', after: 1, times: 2 })
  }
  hurry(t, db)
  startWorker(t, config)

  const runs = await untilRunsEnd(db)

  for (const { subdomain, fault } of accounts) {
    const published = await wholeFeed(api, subdomain)
    t.deepEqual(differencesFrom(simulator, subdomain, published), [], JSON.stringify(fault))
  }
  for (const { fault, hit } of await simulator.listFaults()) t.true(hit > 0, JSON.stringify(fault))
  t.deepEqual(new Set(runs.map((run) => `${run.state} ${unaccounted(run)}`)), new Set(['done 0']))
  const fromEvents = runs.filter((run) => (run.plan as RunPlan).tickets.events > 10)
  t.true(fromEvents.length > FAULTS.length / 2, `${fromEvents.length} imports used the stream`)
  t.deepEqual(leaksIn(await dumpRows(url)), [])
})
