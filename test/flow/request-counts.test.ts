import test from 'ava'
import type { LoggedRequest } from '../../src/simulator/serve/request-log.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { untilRunsEnd } from '../support/truth.ts'

/** In the words of the gateway, which counts by limit; a consent page is the person's own request. */
function familyOf({ path }: LoggedRequest): string | null {
  if (path.startsWith('/oauth/authorizations')) return null
  if (path === '/oauth/tokens') return 'oauth'
  if (path.startsWith('/api/v2/incremental/')) return 'incremental'
  return path.includes('/comments') ? 'comments' : 'account'
}

function countsOf(requests: readonly LoggedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const request of requests) {
    const family = familyOf(request)
    const key = `${family} ${request.status}`
    if (family !== null) counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

test('every request is counted for its integration, by family and status', async (t) => {
  const account = {
    tickets: 60,
    days: 80,
    settings: { rates: { account: null, incremental: null } },
  }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      { ...account, subdomain: 'acme' },
      { ...account, subdomain: 'other' },
      { ...account, subdomain: 'agent', settings: { ...account.settings, role: 'agent' } },
    ],
  })
  const { db, config, connect } = await startFrontDoor(t, simulator)
  const acme = await connect('acme')
  const other = await connect('other')
  await t.throwsAsync(connect('agent'), { message: /403/ })
  await db.updateTable('cursor').set({ pageSize: 20 }).execute()
  for (const fault of [
    { family: 'incremental', kind: 'status', status: 500 },
    { family: 'incremental', kind: 'reset' },
    { family: 'incremental', kind: 'cut_answer' },
    { family: 'incremental', kind: 'status', status: 401 },
    { family: 'users', kind: 'status', status: 503 },
    { family: 'users', kind: 'rate_limited', retryAfter: '0.01' },
    { family: 'users', kind: 'html' },
    { family: 'oauth', kind: 'status', status: 502 },
  ] as const) {
    await simulator.setFault({ ...fault, subdomain: 'acme' })
  }

  const worker = startWorker(t, config)
  await untilRunsEnd(db)
  await worker.stop()

  const rows = await db
    .selectFrom('requestCount')
    .innerJoin('integration', 'integration.id', 'requestCount.integrationId')
    .select(['subdomain', 'family', 'requestCount.status', 'requests'])
    .execute()
  for (const subdomain of ['acme', 'other', 'agent']) {
    const own = rows.filter((row) => row.subdomain === subdomain)
    const counted = own.map(({ family, status, requests }) => [`${family} ${status}`, requests])
    const sent = countsOf(await simulator.requests({ subdomain }))
    // A cut answer had begun, and is none: the simulator and the gateway call both of them 0.
    t.deepEqual(Object.fromEntries(counted), sent, subdomain)
  }
  const statuses = rows.filter((row) => row.subdomain === 'acme').map((row) => row.status)
  for (const status of [0, 200, 201, 401, 429, 500, 502, 503]) t.true(statuses.includes(status))

  const runs = await db.selectFrom('run').selectAll().execute()
  // Of these, a run knows its own by family: all but those of the consent.
  const atConsent: Record<string, number> = { oauth: 1, account: 1, incremental: 1 }
  for (const [id, subdomain] of [[acme, 'acme'] as const, [other, 'other'] as const]) {
    const run = runs.find(({ integrationId }) => integrationId === id)
    const sums: Record<string, number> = {}
    for (const row of rows.filter((it) => it.subdomain === subdomain)) {
      sums[row.family] = (sums[row.family] ?? 0) + row.requests
    }
    const own = Object.entries(sums).map(([family, sum]) => [
      family,
      sum - (atConsent[family] ?? 0),
    ])
    t.deepEqual(run?.requests, Object.fromEntries(own.filter(([, sum]) => sum !== 0)))
  }
})
