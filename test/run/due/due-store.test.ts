import test, { type ExecutionContext } from 'ava'
import type { Insertable } from 'kysely'
import type { RunTable } from '../../../db/schema.ts'
import { type IntegrationId, RunId, WorkspaceId } from '../../../src/ids.ts'
import { dueTurnOf, dueTurns, findDueRun, passTurn } from '../../../src/run/due/due-store.ts'
import { Leases } from '../../../src/run/lease-store.ts'
import { testDatabase } from '../../support/database.ts'
import {
  aScheduledIntegration,
  aScheduledWorkspace,
  setStatus,
} from '../../support/scheduled-rows.ts'

const MINUTE_MS = 60_000
const from = '2026-01-01T00:00Z'

async function aService(t: ExecutionContext) {
  const { db, url } = await testDatabase(t)
  const workspaces = new Set<string>()
  const integration = async (workspace: string, subdomain = 'acme'): Promise<IntegrationId> => {
    if (!workspaces.has(workspace)) {
      await aScheduledWorkspace(db, { id: workspace, plan: 'pro', since: from })
    }
    workspaces.add(workspace)
    return aScheduledIntegration(db, WorkspaceId.parse(workspace), { from, subdomain })
  }
  let made = 0
  /** Runs are asked for in the order of the calls; `minutes` from now they resume. */
  const run = async (
    integrationId: IntegrationId,
    minutes: number,
    fields: Partial<Insertable<RunTable>> = {},
  ): Promise<RunId> => {
    const now = Date.now()
    const { id } = await db
      .insertInto('run')
      .values({
        integrationId,
        kind: 'sync',
        windowFrom: new Date(from),
        createdAt: new Date(now - 1_000 * MINUTE_MS + made++),
        resumeAt: new Date(now + minutes * MINUTE_MS),
        ...fields,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return RunId.parse(id)
  }
  const turns = async () =>
    (await dueTurns(db, 100)).map(({ integrationId, turn }) => [integrationId, turn])
  return { db, url, integration, run, turns }
}

test('the oldest run that is due comes first', async (t) => {
  const { db, integration, run } = await aService(t)
  const id = await integration('w1')
  t.is(await findDueRun(db, id), undefined)
  const done = { state: 'done', finishedAt: new Date() } as const
  await run(id, -60, { ...done, kind: 'backfill' })
  const first = await run(id, -1)
  await run(id, -30)

  t.is((await findDueRun(db, id))?.id, first)
})

test('a sync never overtakes the import that is put off', async (t) => {
  const { db, integration, run, turns } = await aService(t)
  const id = await integration('w1')
  await run(id, 10, { kind: 'backfill', state: 'waiting' })
  await run(id, -1)

  t.is(await findDueRun(db, id), undefined)
  t.deepEqual(await turns(), [])
  t.deepEqual(await dueTurnOf(db, id), [])
})

test('a run of hints waits for no other', async (t) => {
  const { db, integration, run, turns } = await aService(t)
  const id = await integration('w1')
  await run(id, 10, { kind: 'backfill', state: 'waiting' })
  const hints = await run(id, -1, { kind: 'hints' })

  t.is((await findDueRun(db, id))?.id, hints)
  t.deepEqual(await turns(), [[id, 1]])
})

test('workspaces take turns, and in a workspace the one that waits longest is first', async (t) => {
  const { db, integration, run, turns } = await aService(t)
  const flood = []
  for (const name of ['a', 'b', 'c']) flood.push(await integration('w1', name))
  const other = await integration('w2')
  const [a, b, c] = flood
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three')
  await run(a, -30)
  await run(a, -10)
  await run(b, -40)
  await run(c, -20)
  await run(other, -1)

  t.deepEqual(await turns(), [
    [b, 1],
    [other, 1],
    [a, 2],
    [c, 3],
  ])
  t.deepEqual(await dueTurnOf(db, c), [{ integrationId: c, turn: 3, hinted: false }])
  t.deepEqual(await dueTurnOf(db, other), [{ integrationId: other, turn: 1, hinted: false }])
})

test('hints come before all that waits in their workspace', async (t) => {
  const { db, integration, run, turns } = await aService(t)
  const [one, two] = [await integration('w1', 'one'), await integration('w1', 'two')]
  await run(one, -30)
  await run(two, -1, { kind: 'hints' })

  t.deepEqual(await turns(), [
    [two, 1],
    [one, 2],
  ])
  t.deepEqual(await dueTurnOf(db, two), [{ integrationId: two, turn: 1, hinted: true }])
})

test('a run that has had its slice goes behind the others of its workspace', async (t) => {
  const { db, integration, run, turns } = await aService(t)
  const [one, two] = [await integration('w1', 'one'), await integration('w1', 'two')]
  await run(one, -30)
  await run(two, -20)
  const had = await findDueRun(db, one)
  if (had === undefined) throw new Error('nothing is due')

  await passTurn(db, had.id)

  t.deepEqual(await turns(), [
    [two, 1],
    [one, 2],
  ])
  t.deepEqual(await dueTurnOf(db, one), [{ integrationId: one, turn: 2, hinted: false }])
})

test('what a worker is at is not woken, and nothing that is not active', async (t) => {
  const { db, url, integration, run, turns } = await aService(t)
  const leases = new Leases(db, url)
  t.teardown(() => leases[Symbol.asyncDispose]())
  const [held, paused] = [await integration('w1', 'held'), await integration('w1', 'paused')]
  await run(held, -30)
  await run(paused, -20)
  await setStatus(db, paused, 'paused')

  const lease = await leases.take(held)
  t.deepEqual(await turns(), [])
  t.deepEqual(await dueTurnOf(db, paused), [])
  await lease?.[Symbol.asyncDispose]()
  t.deepEqual(await turns(), [[held, 1]])
})
