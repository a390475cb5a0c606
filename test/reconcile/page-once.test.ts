import type { ExecutionContext } from 'ava'
import test from 'ava'
import { readCursor, startCursor } from '../../src/cursor/store.ts'
import { findIntegration } from '../../src/integration/store.ts'
import { HeldTime } from '../../src/platform/held-time.ts'
import { pageOnce } from '../../src/reconcile/page-once.ts'
import { Leases } from '../../src/run/lease-store.ts'
import { findRun, insertRun } from '../../src/run/store.ts'
import { findWorkspace } from '../../src/workspace/store.ts'
import { testGateway } from '../support/gateway.ts'
import { EXPORT, exportJson, ticketJson } from '../support/zendesk-json.ts'

const windowFrom = new Date('2026-01-01T00:00:00Z')
/** Where each cursor leads: the third one back to the first. */
const circle = new Map([
  ['a', 'b'],
  ['b', 'c'],
  ['c', 'a'],
])

/** An import at the start of its window, whose account answers with cursors that lead in a circle. */
async function importInCircles(t: ExecutionContext, tickets: readonly object[]) {
  const gateway = await testGateway(t)
  const { db, url, zendesk, host, account, signal } = gateway
  const { integrationId } = account
  await db.updateTable('integration').set({ status: 'active' }).execute()
  await db.insertInto('lease').values({ integrationId }).execute()
  const run = { integrationId, kind: 'backfill', windowFrom } as const
  const runId = await db.transaction().execute(async (trx) => {
    await startCursor(trx, integrationId, windowFrom)
    return insertRun(trx, run)
  })
  const asked: (string | null)[] = []
  host
    .persist()
    .get(EXPORT)
    .query(true)
    .reply((request: Request) => {
      const cursor = new URL(request.url).searchParams.get('cursor')
      asked.push(cursor)
      const next = circle.get(cursor ?? 'c')
      return [200, exportJson({ tickets: cursor === null ? tickets : [], after_cursor: next })]
    })
  const leases = new Leases(db, url)
  t.teardown(() => leases[Symbol.asyncDispose]())
  const integration = (await findIntegration(db, integrationId))!
  const pass = {
    run: (await findRun(db, runId))!,
    integration,
    workspace: (await findWorkspace(db, integration.workspaceId))!,
    account,
    lease: (await leases.take(integrationId))!,
    signal,
    storing: new HeldTime(),
    isOver: () => false,
  }
  return {
    asked,
    page: () => pageOnce({ db, zendesk, driftShare: 0 }, pass),
    cursor: () => readCursor(db, integrationId),
  }
}

async function pages(count: number, page: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done++) await page()
}

test('cursors that lead in a circle halt', async (t) => {
  const { asked, page } = await importInCircles(t, [])

  const halts = { code: 'ERR_ZENDESK_SHAPE', message: /lead in a circle/ }
  await t.throwsAsync(() => pages(20, page), halts)

  t.true(asked.length <= 3 * circle.size)
})

test('a circle is left once, for the newest instant seen, if that leads on', async (t) => {
  const { asked, page, cursor } = await importInCircles(t, [ticketJson({ status: 'deleted' })])

  await t.throwsAsync(() => pages(20, page), { message: /lead in a circle/ })

  t.is(asked.filter((it) => it === null).length, 2)
  t.is((await cursor())?.startAt.toISO(), '2026-01-02T00:00:05.000Z')
})
