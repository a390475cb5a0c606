import test, { type ExecutionContext } from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { hurry, until, untilRunsEnd } from '../support/truth.ts'
import { readAnswer } from '../support/web.ts'

// Each test runs a whole service; one after the other they fit on two cores.

/** An account on whose limit an import has to wait. */
async function connected(t: ExecutionContext, rates: { account: number; incremental: number }) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 3_000,
    accounts: [{ subdomain: 'acme', tickets: 150, days: 80, settings: { rates } }],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const door = await startFrontDoor(t, simulator, { ZENDESK_MINUTE_MS: '3000' })
  const id = await door.connect('acme')
  await door.db.updateTable('cursor').set({ pageSize: 60 }).execute()
  // Every ticket costs a request, whatever would be cheaper.
  await door.db
    .updateTable('integration')
    .set({ carefulUntil: new Date('2999-01-01') })
    .execute()
  const { baseUrl, adminToken } = door.api
  const show = async (path = '') =>
    readAnswer(
      await fetch(`${baseUrl}/admin/integrations/${id}${path}`, {
        headers: { authorization: `Bearer ${adminToken}` },
      }),
    )
  return { ...door, simulator, id, show }
}

test.serial(
  'progress goes one way, over slices and workers, and says what bounds it',
  async (t) => {
    const it = await connected(t, { account: 60, incremental: 60 })
    const seen: { progress: number; bound: unknown; eta: unknown }[] = []
    const look = async (): Promise<number> => {
      const shown = await it.show()
      const progress = shown.at('backfill.progress') as number
      seen.push({
        progress,
        bound: shown.at('backfill.bounded_by'),
        eta: shown.at('backfill.eta_seconds'),
      })
      return progress
    }

    const first = startWorker(t, it.config)
    await until(async () => (await look()) > 0)
    await until(async () => (await look(), seen.some(({ bound }) => bound === 'quota_share')))
    await first.stop()
    const stopped = await look()
    t.true(stopped > 0)
    startWorker(t, it.config)
    const ended = untilRunsEnd(it.db)
    let isOver = false
    void ended.finally(() => (isOver = true))
    await until(async () => (await look(), isOver))

    t.is(await look(), 1)
    t.deepEqual(
      seen.map(({ progress }) => progress),
      seen.map(({ progress }) => progress).toSorted((a, b) => a - b),
    )
    t.true(seen.every(({ progress }) => progress >= 0 && progress <= 1))
    t.true(seen.some(({ eta }) => typeof eta === 'number' && eta > 0))
    t.like(seen.at(-1), { bound: null, eta: 0 })
    const runs = await it.show('/runs')
    const [run] = runs.at('data') as { id: string }[]
    const shown = await it.show(`/runs/${run!.id}`)
    t.like(shown.json, { state: 'done', progress: 1, bounded_by: null, eta_seconds: 0 })
    t.true((shown.at('waits.quota_share_seconds') as number) > 0)
    t.true((shown.at('running_seconds') as number) > 0)
    t.true((shown.at('tickets_per_second') as number) > 0)
    t.is(shown.at('ledger.closes'), true)
    t.is(shown.at('ledger.unaccounted'), 0)
    t.deepEqual(shown.at('quarantine'), { tickets: 0, next_try_at: null, reasons: [] })
  },
)

test.serial('silence that the account asks for is shown as a wait of its own', async (t) => {
  const it = await connected(t, { account: 6_000, incremental: 600 })
  const silence = { kind: 'rate_limited', family: 'incremental', times: 1 } as const
  await it.simulator.setFault({ ...silence, retryAfter: '1200' })
  startWorker(t, it.config)
  await until(async () => (await it.show()).at('sync.last_run.state') === 'waiting')

  const during = await it.show()
  t.is(during.at('backfill.bounded_by'), 'zendesk_limit')
  const [open] = during.at('sync.last_run.waits.last') as Record<string, unknown>[]
  t.like(open, { bounded_by: 'zendesk_limit', seconds: null })
  t.true(Date.parse(String(open!['until'])) > Date.parse(String(open!['from'])))

  await it.db.updateTable('budget').set({ blockedUntil: null }).execute()
  hurry(t, it.db)
  await untilRunsEnd(it.db)

  const after = await it.show()
  const [closed] = after.at('sync.last_run.waits.last') as Record<string, unknown>[]
  t.is(typeof closed!['seconds'], 'number')
  t.true((after.at('sync.last_run.waits.zendesk_limit_seconds') as number) >= 0)
  t.is(after.at('backfill.state'), 'done')
})

test.serial('what is set aside is shown with its reasons', async (t) => {
  const it = await connected(t, { account: 6_000, incremental: 600 })
  const broken = { kind: 'status', status: 403, family: 'comments', times: null } as const
  const tickets = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })].slice(0, 3)
  for (const { ticketId } of tickets) await it.simulator.setFault({ ...broken, ticketId })
  startWorker(t, it.config)
  await untilRunsEnd(it.db)

  const shown = await it.show()

  const quarantine = shown.at('sync.last_run.quarantine') as Record<string, unknown>
  t.deepEqual(quarantine['reasons'], [
    { reason: 'Zendesk forbids to list the comments of the ticket', tickets: 3 },
  ])
  t.is(quarantine['tickets'], 3)
  t.true(Date.parse(String(quarantine['next_try_at'])) > Date.now())
  t.is(shown.at('counts.quarantined'), 3)
})
