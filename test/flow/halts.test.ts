import test, { type ExecutionContext } from 'ava'
import { readIntegration } from '../../src/demo/api.ts'
import type { FaultKind } from '../../src/simulator/faults/fault.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, unaccounted, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

const lacking = (field: string, inside?: string): FaultKind => ({
  kind: 'missing_field',
  field,
  ...(inside !== undefined && { inside }),
})

test.serial('an export that lacks what we need halts, and nothing is lost', (t) =>
  haltAndGoOn(t, 'incremental', [
    lacking('tickets'),
    lacking('end_of_stream'),
    lacking('after_cursor'),
    lacking('id', 'tickets'),
    lacking('generated_timestamp'),
    lacking('created_at'),
    lacking('updated_at'),
    lacking('status'),
    { kind: 'set_field', field: 'generated_timestamp', value: 'soon' },
    { kind: 'unmoved_cursor' },
  ]),
)

test.serial('comments that lack what we need halt, and nothing is lost', (t) =>
  haltAndGoOn(t, 'comments', [
    lacking('comments'),
    lacking('users'),
    lacking('meta'),
    lacking('has_more'),
    lacking('id', 'comments'),
    lacking('public', 'comments'),
    lacking('author_id', 'comments'),
    lacking('created_at', 'comments'),
    { kind: 'set_field', field: 'created_at', inside: 'comments', value: 'yesterday' },
    { kind: 'unmoved_cursor' },
  ]),
)

/** One account a fault; the fault begins in the middle of the import and ends when it is seen. */
async function haltAndGoOn(
  t: ExecutionContext,
  family: 'incremental' | 'comments',
  faults: readonly FaultKind[],
): Promise<void> {
  const accounts = faults.map((fault, index) => ({ fault, subdomain: `acme${index}` }))
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: accounts.map(({ subdomain }) => ({
      subdomain,
      tickets: 60,
      days: 80,
      // Each twentieth ticket: one of them is on the second page, where the faults begin.
      shape: { bigTickets: 3 },
      settings: { rates: { account: null, incremental: null } },
    })),
  })
  const { api, db, config, connect, reconnect } = await startFrontDoor(t, simulator)
  const ids = new Map<string, string>()
  for (const { subdomain } of accounts) ids.set(subdomain, await connect(subdomain, subdomain))
  await readTicketByTicket(db)
  await db.updateTable('cursor').set({ pageSize: 20 }).execute()
  const after = family === 'incremental' ? 1 : 30
  for (const { subdomain, fault } of accounts) {
    await simulator.setFault({ family, ...fault, subdomain, after, times: null })
  }
  startWorker(t, config)

  const halted = await untilRunsEnd(db)

  for (const { subdomain, fault } of accounts) {
    const id = ids.get(subdomain) ?? ''
    const { status, error } = await readIntegration(api, id)
    const run = halted.find(({ integrationId }) => integrationId === id)
    const found = [status, error?.code, run?.state, run?.errorCode, run?.pages]
    const expected = ['errored', 'zendesk_shape', 'failed', 'zendesk_shape', 1]
    t.deepEqual(found, expected, JSON.stringify(fault))
  }
  const cursors = await db.selectFrom('cursor').select('afterCursor').execute()
  await simulator.clearFaults()
  t.deepEqual(await db.selectFrom('cursor').select('afterCursor').execute(), cursors)

  for (const id of ids.values()) await reconnect(id)
  const runs = await untilRunsEnd(db)

  for (const { subdomain } of accounts) {
    const differences = differencesFrom(simulator, subdomain, await wholeFeed(api, subdomain))
    t.deepEqual(differences, [], subdomain)
  }
  for (const run of runs) t.is(unaccounted(run), 0)
}
