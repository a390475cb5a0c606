import type { ExecutionContext } from 'ava'
import { readIntegration } from '../../src/demo/api.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from './dump.ts'
import { type FrontDoor, startFrontDoor, startWorker } from './front-door.ts'
import { wholeFeed } from './service.ts'
import { differencesFrom, leaksIn, unaccounted, until, untilRunsEnd } from './truth.ts'

export interface HalfImported extends FrontDoor, AsyncDisposable {
  readonly simulator: Simulator
  readonly id: string
}

/** An import in the middle, with a worker on it: one page is stored, two more are to come. */
export async function importHalf(
  t: ExecutionContext,
  beforeWork: (door: FrontDoor) => Promise<void> = () => Promise.resolve(),
): Promise<HalfImported> {
  const it = await connected(t, ['acme'])
  await beforeWork(it)
  startWorker(t, it.config)
  await untilHalf(it)
  return it
}

/** The same for several accounts, and the worker has stopped. */
export async function halfImport(
  t: ExecutionContext,
  subdomains: readonly string[] = ['acme'],
): Promise<HalfImported> {
  const it = await connected(t, subdomains)
  const worker = startWorker(t, it.config)
  await untilHalf(it)
  await worker.stop()
  return it
}

async function connected(
  t: ExecutionContext,
  subdomains: readonly string[],
): Promise<HalfImported> {
  const settings = { rates: { account: null, incremental: null }, latencyMs: 50 }
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: subdomains.map((subdomain) => ({ subdomain, tickets: 180, days: 80, settings })),
  })
  const door = await startFrontDoor(t, simulator)
  const ids: string[] = []
  for (const subdomain of subdomains) ids.push(await door.connect(subdomain))
  await door.db.updateTable('cursor').set({ pageSize: 50 }).execute()
  const id = ids[0] ?? ''
  return { ...door, simulator, id, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() }
}

async function untilHalf({ db }: HalfImported): Promise<void> {
  await until(async () => {
    const runs = await db.selectFrom('run').select('pages').execute()
    return runs.every((run) => run.pages > 0)
  })
}

/** Waits until the import has halted for this reason; answers where it stands. */
export async function haltedCursor(
  t: ExecutionContext,
  { api, db, id }: HalfImported,
  code: string,
): Promise<unknown> {
  const [run] = await untilRunsEnd(db)
  t.is(`${run?.state} ${run?.errorCode}`, `failed ${code}`)
  const { status, error } = await readIntegration(api, id)
  t.is(`${status} ${error?.code}`, `errored ${code}`)
  const cursor = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
  t.truthy(cursor.afterCursor)
  t.is(cursor.endReachedAt, null)
  return cursor.afterCursor
}

export async function goOnToTheEnd(
  t: ExecutionContext,
  { api, db, url, simulator, id, reconnect }: HalfImported,
  cursor: unknown,
): Promise<void> {
  await simulator.clearRequests()
  await reconnect(id)
  const runs = await untilRunsEnd(db)

  t.deepEqual(runs.map((run) => run.state).toSorted(), ['done', 'failed'])
  for (const run of runs) t.is(unaccounted(run), 0)
  t.deepEqual(differencesFrom(simulator, 'acme', await wholeFeed(api)), [])
  t.deepEqual(await db.selectFrom('ticket').where('outcome', '=', 'quarantined').execute(), [])
  t.deepEqual(leaksIn(await dumpRows(url)), [])
  const pages = await simulator.requests({ family: 'incremental' })
  const asked = pages.map(({ query }) => new URLSearchParams(query).get('cursor'))
  t.is(
    asked.find((it) => it !== null),
    String(cursor),
  )
}

/** What an operator is shown of it. */
export async function integrationJson({ api, id }: HalfImported): Promise<{
  readonly reconnect_required: boolean
  readonly error: { readonly message: string; readonly action: string } | null
}> {
  const answer = await fetch(`${api.baseUrl}/admin/integrations/${id}`, {
    headers: { authorization: `Bearer ${api.adminToken}` },
  })
  return (await answer.json()) as Awaited<ReturnType<typeof integrationJson>>
}
