import test from 'ava'
import { DateTime } from 'luxon'
import { scheduleOnce } from '../../src/schedule/schedule-once.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, lastWord, unaccounted, until, untilRunsEnd } from '../support/truth.ts'

test('a slot brings what has changed since the import, and nothing else', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 40,
        days: 60,
        shape: { deletedShare: 0, messagingShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  const id = await connect('acme')
  const first = startWorker(t, config)
  await untilRunsEnd(db)
  await first.stop()
  const imported = await wholeFeed(api)
  const ticketId = imported[0]?.transcript.ticket.id ?? 0
  await simulator.mutate('acme', { kind: 'add_comment', ticketId, text: 'One more thing.' })
  // The export hides its last second.
  await simulator.setFault({ kind: 'slow', ms: 2_000, family: 'incremental', times: 1 })

  // The account was connected two days ago, and everything was down since.
  const past = new Date(Date.now() - 2 * 86_400_000)
  await db.updateTable('integration').set({ scheduledFrom: past }).execute()
  await db.updateTable('workspace').set({ plan: 'pro', scheduledSince: past }).execute()
  const before = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
  const second = startWorker(t, config)
  await until(async () => (await untilRunsEnd(db)).length === 2)
  await second.stop()

  const [, run, ...more] = await db.selectFrom('run').selectAll().orderBy('createdAt').execute()
  t.deepEqual(more, [])
  t.like(run, { kind: 'sync', state: 'done', published: 1, attempts: 0 })
  t.is(unaccounted(run!), 0)
  t.is(run?.windowFrom.toMillis(), before.generatedAt?.toMillis())
  const slot = run?.slot?.toISO() ?? ''
  t.regex(slot, /T04:00:00\.000Z$/)
  const feed = await wholeFeed(api)
  t.is(feed.length, imported.length + 1)
  t.like(feed.at(-1), { type: 'transcript.published', transcript: { revision: 2 } })
  t.deepEqual(differencesFrom(simulator, 'acme', lastWord(feed)), [])

  const now = DateTime.fromISO(slot, { zone: 'utc' }).plus({ hours: 23 })
  t.deepEqual(await scheduleOnce(db, { timeUtc: config.syncTimeUtc, now }), { runs: 0 })

  const show = async (path: string) => {
    const headers = { authorization: `Bearer ${api.adminToken}` }
    return (await fetch(`${api.baseUrl}${path}`, { headers })).json() as Promise<unknown>
  }
  const { sync } = (await show(`/admin/integrations/${id}`)) as { sync: Record<string, unknown> }
  t.like(sync, { last_slot: slot, last_run: { kind: 'sync', slot, state: 'done' } })
  const next = DateTime.fromISO(slot, { zone: 'utc' }).plus({ days: 1 })
  t.true([next, next.plus({ days: 1 })].some((it) => it.toISO() === sync['next_slot']))
  const { data } = (await show(`/admin/integrations/${id}/runs`)) as { data: unknown[] }
  t.like(data[0], { kind: 'sync', slot, state: 'done' })
})
