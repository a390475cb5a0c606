import test, { type ExecutionContext } from 'ava'
import { compare } from '../../src/demo/compare.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'
import { type FrontDoor, startFrontDoor } from '../support/front-door.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { window } from '../support/truth.ts'

const WORKERS = 4
const INTEGRATIONS = 200
/** On a busy machine not all of them get their turn; what is done must be right all the same. */
const SYNCING_MS = Number(process.env['STORM_SECONDS'] ?? 25) * 1_000

/** Some seconds of work for each integration, which is some lives of its tokens. */
const TICKETS = 60
const PAGE_SIZE = 20
const LATENCY_MS = 150

/**
 * So many requests of one integration are under way at once. Where the machine is so busy that they
 * take a second, a token can end under all of them; none of them may use it a second time.
 */
const MOST_IN_FLIGHT = 16

/** Long enough that tokens are held and identities stay confirmed while they live. */
const MINUTE_MS = 4_000

const subdomains = Array.from({ length: INTEGRATIONS }, (_, index) => `acme${index}`)

// It keeps the machine busy all that time; `STORM_SECONDS=60` is the full size.
test.serial('four workers share tokens that live for two seconds', async (t) => {
  t.timeout(200_000)
  const settings = { rates: { account: null, incremental: null }, accessTokenSeconds: 2 }
  const account = { tickets: TICKETS, days: 80, settings, shape: { onePageEach: true } }
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: MINUTE_MS,
    accounts: subdomains.map((subdomain) => ({ subdomain, ...account })),
  })
  const door = await startFrontDoor(t, simulator, {
    WORKER_CONCURRENCY: '5',
    ZENDESK_MINUTE_MS: String(MINUTE_MS),
    LOG_LEVEL: 'warn',
  })
  await connectAll(door)
  await door.db.updateTable('cursor').set({ pageSize: PAGE_SIZE }).execute()
  for (const subdomain of subdomains) {
    await simulator.setAccount(subdomain, { latencyMs: LATENCY_MS })
  }

  const workers = Array.from({ length: WORKERS }, () =>
    spawnEntry(t, 'src/worker.ts', door.environment),
  )
  await keepSyncing(door)
  for (const worker of workers) worker.child.kill('SIGTERM')

  for (const worker of workers) t.is(await worker.exited, 0, worker.output())
  await noTokenWasWasted(t, simulator)
  await nobodyStandsStill(t, door)
  await whatIsPublishedIsRight(t, door, simulator)
})

async function connectAll({ connect }: FrontDoor): Promise<void> {
  const waiting = [...subdomains]
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await connect(next)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}

/** What has come to its end begins anew, and finds what it knows: there is work all the time. */
async function keepSyncing({ db }: FrontDoor): Promise<void> {
  const deadline = performance.now() + SYNCING_MS
  while (performance.now() < deadline) {
    await db.transaction().execute(async (trx) => {
      const ended = await trx
        .deleteFrom('run')
        .where('state', '=', 'done')
        .returning(['integrationId', 'kind', 'windowFrom'])
        .execute()
      if (ended.length === 0) return
      const ids = ended.map(({ integrationId }) => integrationId)
      const anew = { afterCursor: null, generatedAt: null, endReachedAt: null }
      await trx.updateTable('cursor').set(anew).where('integrationId', 'in', ids).execute()
      const runs = ended.map((run) => ({ ...run, windowFrom: run.windowFrom.toJSDate() }))
      await trx.insertInto('run').values(runs).execute()
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

async function noTokenWasWasted(t: ExecutionContext, simulator: Simulator): Promise<void> {
  const uses = await Promise.all(subdomains.map((subdomain) => simulator.tokenUse(subdomain)))
  const sum = (of: (use: (typeof uses)[number]) => number): number =>
    uses.reduce((total, use) => total + of(use), 0)
  const most = (of: (use: (typeof uses)[number]) => number): number => Math.max(...uses.map(of))
  t.log({
    refreshes: sum((use) => use.refreshes),
    deadAccessTokenUses: sum((use) => use.deadAccessTokenUses),
    mostUsesOfOneDeadAccessToken: most((use) => use.mostUsesOfOneDeadAccessToken),
    integrationsRefreshed: uses.filter((use) => use.refreshes > 0).length,
  })
  t.true(sum((use) => use.refreshes) > INTEGRATIONS, 'tokens were refreshed again and again')
  t.is(
    most((use) => use.mostUsesOfOneRefreshToken),
    1,
  )
  t.is(
    sum((use) => use.deadRefreshTokensUsed),
    0,
  )
  t.true(sum((use) => use.deadAccessTokenUses) <= sum((use) => use.refreshes))
  t.true(most((use) => use.mostUsesOfOneDeadAccessToken) <= MOST_IN_FLIGHT)
}

async function nobodyStandsStill(t: ExecutionContext, { db }: FrontDoor): Promise<void> {
  const integrations = await db.selectFrom('integration').select(['status', 'errorCode']).execute()
  t.is(integrations.length, INTEGRATIONS)
  t.deepEqual(
    integrations.filter(({ status }) => status !== 'active'),
    [],
  )
  const runs = await db.selectFrom('run').select(['state', 'errorCode']).execute()
  t.deepEqual(
    runs.filter(({ state }) => state === 'failed'),
    [],
  )
}

/** Nothing twice, nothing that is not so, and all of what an integration says it has settled. */
async function whatIsPublishedIsRight(
  t: ExecutionContext,
  { api, db }: FrontDoor,
  simulator: Simulator,
): Promise<void> {
  const byAccount = Map.groupBy(await wholeFeed(api), (it) => it.transcript.id.split(':')[1])
  const settled = await db
    .selectFrom('ticket')
    .innerJoin('integration', 'integration.id', 'ticket.integrationId')
    .select(['subdomain', 'ticketId'])
    .execute()
  const settledOf = Map.groupBy(settled, ({ subdomain }) => subdomain)
  let right = 0
  for (const subdomain of subdomains) {
    const known = new Set(settledOf.get(subdomain)?.map(({ ticketId }) => ticketId))
    const expected = simulator.expectedTranscripts(subdomain, window)
    const due = [...expected].filter(({ ticketId }) => known.has(ticketId))
    const published = byAccount.get(subdomain) ?? []
    const { differences } = compare(due, published, PRIVATE_TOKEN)
    t.deepEqual(differences, [], subdomain)
    right += published.length
  }
  t.log({ settled: settled.length, published: right })
  t.true(right > 0)
}
