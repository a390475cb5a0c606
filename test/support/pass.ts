import type { ExecutionContext } from 'ava'
import { startCursor } from '../../src/cursor/store.ts'
import { findIntegration } from '../../src/integration/store.ts'
import { HeldTime } from '../../src/platform/held-time.ts'
import type { Pass } from '../../src/reconcile/store-tickets-once.ts'
import { Leases } from '../../src/run/lease-store.ts'
import { findRun, insertRun } from '../../src/run/store.ts'
import { findWorkspace } from '../../src/workspace/store.ts'
import { testGateway } from './gateway.ts'

export const windowFrom = new Date('2026-01-01T00:00:00Z')

/** An import at the start of its window, its lease taken, before anything was asked for. */
export async function anImport(t: ExecutionContext) {
  const { db, url, zendesk, host, account, signal } = await testGateway(t)
  const { integrationId } = account
  await db.updateTable('integration').set({ status: 'active' }).execute()
  await db.insertInto('lease').values({ integrationId }).execute()
  const run = { integrationId, kind: 'backfill', windowFrom } as const
  const runId = await db.transaction().execute(async (trx) => {
    await startCursor(trx, integrationId, windowFrom)
    return insertRun(trx, run)
  })
  const leases = new Leases(db, url)
  t.teardown(() => leases[Symbol.asyncDispose]())
  const integration = (await findIntegration(db, integrationId))!
  const pass: Pass = {
    run: (await findRun(db, runId))!,
    integration,
    workspace: (await findWorkspace(db, integration.workspaceId))!,
    account,
    lease: (await leases.take(integrationId))!,
    signal,
    storing: new HeldTime(),
    isOver: () => false,
  }
  return { db, host, pass, deps: { db, zendesk, driftShare: 0 } }
}
