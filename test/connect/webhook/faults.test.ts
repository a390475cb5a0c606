import test from 'ava'
import { removeWebhookOnce } from '../../../src/connect/webhook/remove-once.ts'
import { requestWebhookCheck } from '../../../src/integration/webhook/check-store.ts'
import type { Fault } from '../../../src/simulator/faults/fault.ts'
import type { SettingsPatch } from '../../../src/simulator/options.ts'
import { startProvisioning } from './provisioning.ts'

const HOUR_MS = 3_600_000
const { signal } = new AbortController()

/** What goes wrong about webhooks, what is shown of it, and how soon it is looked at again, at most. */
const faults: readonly {
  readonly name: string
  readonly fault?: Omit<Fault & { kind: 'status' }, 'kind'> | { readonly kind: Fault['kind'] }
  readonly settings?: SettingsPatch
  readonly problem: string
  readonly withinMs: number
}[] = [
  { name: 'a role or a plan', fault: { status: 403 }, problem: 'forbidden', withinMs: 2 * HOUR_MS },
  {
    name: 'the limit of the plan',
    settings: { webhooks: { most: 0 } },
    problem: 'limit_reached',
    withinMs: 2 * HOUR_MS,
  },
  { name: 'a 422', fault: { status: 422 }, problem: 'rejected', withinMs: 2 * HOUR_MS },
  { name: 'a 400', fault: { status: 400 }, problem: 'rejected', withinMs: 2 * HOUR_MS },
  { name: 'a 500', fault: { status: 500 }, problem: 'unavailable', withinMs: 60_000 },
  {
    name: 'a page of a proxy',
    fault: { status: 403, html: true },
    problem: 'unavailable',
    withinMs: 60_000,
  },
  { name: 'HTML for JSON', fault: { kind: 'html' }, problem: 'unavailable', withinMs: 60_000 },
  {
    name: 'half an answer',
    fault: { kind: 'truncated' },
    problem: 'unavailable',
    withinMs: 60_000,
  },
  { name: 'a lost connection', fault: { kind: 'reset' }, problem: 'unavailable', withinMs: 60_000 },
  { name: 'nothing', fault: { kind: 'empty' }, problem: 'unavailable', withinMs: 60_000 },
]

test('whatever goes wrong about webhooks is a problem of the webhook and of nothing else', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  for (const { name, fault, settings, problem, withinMs } of faults) {
    await it.simulator.setAccount('acme', settings ?? {})
    if (fault !== undefined) {
      const scope = { family: 'webhooks', times: null } as const
      await it.simulator.setFault({ kind: 'status', ...fault, ...scope } as Fault)
    }

    t.deepEqual(await it.provision(), { well: 0, unwell: 1, postponed: 0 }, name)

    const shown = await it.shown(id)
    t.like(shown, { status: 'active', error: null }, name)
    const webhook = { state: 'missing', problem: { code: problem }, checked_at: null }
    t.like(shown.webhook, webhook, name)
    const { dueAt, attempts } = await it.checkOf(id)
    t.is(attempts, 1, name)
    t.true(dueAt.toMillis() <= Date.now() + withinMs, name)

    await it.simulator.clearFaults()
    await it.simulator.setAccount('acme', { webhooks: { most: null } })
    await it.makeDue()
    t.deepEqual(await it.provision(), { well: 1, unwell: 0, postponed: 0 }, name)

    t.is((await it.webhooks()).length, 1, name)
    t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: null } }, name)
    t.is((await it.checkOf(id)).attempts, 0, name)
    await removeWebhookOnce(it.deps, it.accountOf(id), signal)
    await it.db.transaction().execute((trx) => requestWebhookCheck(trx, id))
  }
})

test('a limit of requests is waited for and is no problem', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({ kind: 'rate_limited', family: 'webhooks', times: 2 })

  t.deepEqual(await it.provision(), { well: 1, unwell: 0, postponed: 0 })

  t.is((await it.webhooks()).length, 1)
  t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: null } })
})

test('a limit that lasts puts it off without a word of trouble', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.setFault({
    kind: 'rate_limited',
    family: 'webhooks',
    times: null,
    retryAfter: '0',
  })

  t.deepEqual(await it.provision(), { well: 0, unwell: 0, postponed: 1 })

  t.like(await it.checkOf(id), { attempts: 0, problem: null })
})

test('an endpoint that answers the test badly is told of, and tried again soon', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  it.endpoint.told.status = 404

  t.deepEqual(await it.provision(), { well: 0, unwell: 1, postponed: 0 })
  t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: { code: 'failing' } } })
  t.true((await it.checkOf(id)).dueAt.toMillis() < Date.now() + 120_000)

  it.endpoint.told.status = 200
  await it.makeDue()
  t.deepEqual(await it.provision(), { well: 1, unwell: 0, postponed: 0 })
  t.like(await it.shown(id), { webhook: { state: 'provisioned', problem: null } })
})

test('a revoked token stops no look of the others, and is left to the next run', async (t) => {
  const it = await startProvisioning(t)
  const id = await it.connect()
  await it.simulator.revokeTokens('acme')

  t.deepEqual(await it.provision(), { well: 0, unwell: 1, postponed: 0 })

  t.like(await it.shown(id), { status: 'active', webhook: { problem: { code: 'token_refused' } } })
})
