import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Fault } from '../../src/simulator/faults/fault.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, untilRunsEnd } from '../support/truth.ts'

/** A server that Zendesk points to, and every contact that it ever has. */
async function aTrap(t: ExecutionContext): Promise<{ url: string; contacts: string[] }> {
  const contacts: string[] = []
  const server = createServer((request, response) => {
    contacts.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    response.end('{}')
  })
  server.on('connection', () => contacts.push('connection'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, contacts }
}

test('wherever the answers point, no other host is ever contacted', async (t) => {
  const trap = await aTrap(t)
  const redirect = { kind: 'redirect', location: `${trap.url}/x` } as const
  const faults: readonly Fault[] = [
    ...(['incremental', 'comments', 'users', 'oauth'] as const).map((family) => ({
      ...redirect,
      family,
      subdomain: `redirect-${family}`,
    })),
    ...(['after_url', 'next_page', 'next', 'url'] as const).map((field) => ({
      kind: 'set_field' as const,
      field,
      value: `${trap.url}/api/v2/incremental/tickets/cursor.json?cursor=x`,
      times: null,
      subdomain: `link-${field.replace('_', '-')}`,
    })),
  ]
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: faults.map(({ subdomain }) => ({
      subdomain: subdomain ?? '',
      tickets: 30,
      days: 80,
      settings: { rates: { account: null, incremental: null } },
    })),
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  for (const { subdomain = '' } of faults) await connect(subdomain, subdomain)
  await db.updateTable('cursor').set({ pageSize: 11 }).execute()
  // For the redirect of the token endpoint.
  await db.updateTable('credential').set({ expiresAt: new Date() }).execute()
  for (const fault of faults) await simulator.setFault(fault)
  startWorker(t, config)

  const runs = await untilRunsEnd(db)

  t.deepEqual(new Set(runs.map((run) => run.state)), new Set(['done']))
  for (const { fault, hit } of await simulator.listFaults()) t.true(hit > 0, fault.subdomain)
  for (const { subdomain = '' } of faults) {
    t.deepEqual(differencesFrom(simulator, subdomain, await wholeFeed(api, subdomain)), [])
  }
  t.deepEqual(trap.contacts, [])
  // It would have noticed.
  await fetch(trap.url)
  t.is(trap.contacts.length, 2)
})
