import test from 'ava'
import { openBoss } from '../../src/platform/boss.ts'
import { runQueue } from '../../src/queues.ts'
import { enqueueDueRunsOnce } from '../../src/reconcile/enqueue-due-runs-once.ts'
import { testDatabase } from '../support/database.ts'
import { aScheduledIntegration, aScheduledWorkspace } from '../support/scheduled-rows.ts'

const from = '2026-01-01T00:00Z'

test('a workspace with many due runs holds up no other, also if it was there first', async (t) => {
  const { db, url } = await testDatabase(t)
  const boss = await openBoss(url, { maintain: false })
  t.teardown(() => boss.stop({ graceful: false }))
  const due = async (workspace: string, count: number): Promise<string[]> => {
    const workspaceId = await aScheduledWorkspace(db, { id: workspace, plan: 'pro', since: from })
    const ids = []
    for (let index = 0; index < count; index++) {
      const account = { from, subdomain: `a${index}` }
      const integrationId = await aScheduledIntegration(db, workspaceId, account)
      const run = { integrationId, kind: 'sync', windowFrom: new Date(from) } as const
      await db.insertInto('run').values(run).execute()
      ids.push(integrationId)
    }
    return ids
  }
  const flood = await due('flood', 30)
  await enqueueDueRunsOnce(db, boss)
  const [small] = await due('small', 1)
  await enqueueDueRunsOnce(db, boss)
  await enqueueDueRunsOnce(db, boss)

  const take = async (batchSize: number): Promise<string[]> => {
    const jobs = await boss.fetch<{ integrationId: string }>(runQueue.name, { batchSize })
    return jobs.map(({ data }) => data.integrationId).toSorted()
  }

  const [first = '', second = '', ...others] = flood
  t.deepEqual(await take(2), [first, small ?? ''].toSorted())
  t.deepEqual(await take(1), [second])
  t.deepEqual(await take(100), others.toSorted())
})
