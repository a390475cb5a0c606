import test from 'ava'
import { compare } from '../../src/demo/compare.ts'
import { connectAccount, readIntegration, windowStart } from '../../src/demo/api.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { PERSONAL_TOKEN, PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'
import { dumpRows } from '../support/dump.ts'
import { importAccount, startService, untilBackfill, wholeFeed } from '../support/service.ts'

const unlimited = { rates: { account: null, incremental: null } }

// These tests each run a whole service; one after the other they fit on two cores.

test.serial(
  'an import publishes each public comment of each ticket once, and nothing else',
  async (t) => {
    await using simulator = await startSimulator({
      seed: t.title,
      minuteMs: 100,
      accounts: [
        { subdomain: 'acme', tickets: 2000, shape: { hugeTickets: 3 }, settings: unlimited },
      ],
    })
    const { api, url, db } = await startService(t, simulator)

    const id = await importAccount(api)

    const publications = await wholeFeed(api)
    const from = windowStart(await readIntegration(api, id))
    const expected = [...simulator.expectedTranscripts('acme', { from })]
    const { differences } = compare(expected, publications, PRIVATE_TOKEN)
    t.deepEqual(differences, [])
    t.true(expected.length > 1000)
    t.true(expected.some((transcript) => transcript.comments.length > 2000))

    const dump = await dumpRows(url)
    t.deepEqual([...new Set(dump.match(PRIVATE_TOKEN))], [])
    t.deepEqual([...new Set(dump.match(PERSONAL_TOKEN))], [])

    const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
    t.is(run.state, 'done')
    const settled =
      run.published +
      run.unchanged +
      run.filtered +
      run.noPublicComments +
      run.gone +
      run.quarantined
    t.is(run.ticketsSeen, settled)
    t.is(run.published, expected.length)
    t.is(run.quarantined, 0)
  },
)

test.serial('the filters of the workspace decide what is imported', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 400, settings: unlimited }],
  })
  const year = { from: new Date(Date.now() - 365 * 86_400_000) }
  const all = [...simulator.expectedTranscripts('acme', year)]
  const [excluded = ''] = all.find((transcript) => transcript.tags.length > 0)?.tags ?? []
  const { api } = await startService(t, simulator)
  const settings = await fetch(`${api.baseUrl}/admin/workspaces/w1`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${api.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ plan: 'pro', zendesk_exclude_tags: [excluded.toUpperCase()] }),
  })
  t.true(settings.ok)

  const id = await importAccount(api)

  const from = windowStart(await readIntegration(api, id))
  const expected = [...simulator.expectedTranscripts('acme', { from, excludeTags: [excluded] })]
  t.true(expected.length > 0 && expected.length < all.length)
  t.deepEqual(compare(expected, await wholeFeed(api), PRIVATE_TOKEN).differences, [])
})

test.serial(
  'an answer that lacks what we need halts the integration and moves no cursor',
  async (t) => {
    await using simulator = await startSimulator({
      seed: t.title,
      minuteMs: 100,
      accounts: [{ subdomain: 'acme', tickets: 1500, settings: unlimited }],
    })
    await simulator.setFault({
      family: 'incremental',
      kind: 'missing_field',
      field: 'generated_timestamp',
      after: 1,
      times: null,
    })
    const { api, db } = await startService(t, simulator)
    const id = await connectAccount(api, { workspaceId: 'w1', subdomain: 'acme' })

    await untilBackfill(api, id, 'failed')

    const integration = await readIntegration(api, id)
    t.is(integration.status, 'errored')
    t.is(integration.error?.code, 'zendesk_shape')
    const cursor = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
    const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
    t.is(run.pages, cursor.afterCursor === null ? 0 : 1)
    t.is(cursor.endReachedAt, null)
  },
)
