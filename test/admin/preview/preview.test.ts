import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { startSimulator } from '../../../src/simulator/start.ts'
import { dumpRows } from '../../support/dump.ts'
import { startFrontDoor, startWorker } from '../../support/front-door.ts'
import { wholeFeed } from '../../support/service.ts'
import { leaksIn, untilRunsEnd } from '../../support/truth.ts'
import { readAnswer } from '../../support/web.ts'

/** An account of which the last 40 days are imported, with tickets of the last 80 days. */
async function imported(t: ExecutionContext) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 80,
        days: 80,
        shape: { bigTickets: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const door = await startFrontDoor(t, simulator, { BACKFILL_DAYS: '40' })
  const id = await door.connect('acme')
  const importer = startWorker(t, door.config)
  await untilRunsEnd(door.db)
  await importer.stop()
  const { baseUrl, adminToken } = door.api
  const ask = async (method: string, path: string, body: unknown, token = adminToken) =>
    readAnswer(
      await fetch(`${baseUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    )
  return {
    ...door,
    simulator,
    id,
    ask,
    preview: (body: unknown = {}, token = adminToken) =>
      ask('POST', `/admin/integrations/${id}/preview`, body, token),
    sync: async () => {
      await door.db
        .insertInto('run')
        .values({ integrationId: id, kind: 'sync', windowFrom: new Date() })
        .execute()
      const worker = startWorker(t, door.config)
      await untilRunsEnd(door.db)
      await worker.stop()
    },
    /** All that is stored, but for what requests cost. */
    stored: async () =>
      (await dumpRows(door.url))
        .split(/^(?=-- )/m)
        .filter((table) => table.startsWith('-- public.'))
        .filter((table) => !/^-- public\.(budget|request_count)\n/.test(table)),
  }
}

interface Shown {
  readonly id: string
  readonly ticket: { readonly id: number; readonly tags: readonly string[] }
  readonly text: string
}

const shownBy = (answer: { at: (path: string) => unknown }): readonly Shown[] =>
  answer.at('transcripts') as readonly Shown[]

test.serial('a preview of what is set changes nothing and shows what is published', async (t) => {
  const it = await imported(t)
  const before = await it.stored()

  const answer = await it.preview()

  t.is(answer.status, 200)
  t.like(answer.json, {
    zendesk_include_tags: [],
    zendesk_exclude_tags: [],
    zendesk_include_group_ids: [],
    to_fetch: 0,
    to_retract: { filtered: 0 },
    kept_out: { include_tags: 0, exclude_tags: 0, include_group_ids: 0 },
    window: null,
    requests: { account: 0, incremental: 0, comments: 0 },
    minutes: 0,
  })
  const { known } = await it.db
    .selectFrom('ticket')
    .select(({ fn }) => fn.countAll<number>().as('known'))
    .where('outcome', '<>', 'gone')
    .executeTakeFirstOrThrow()
  t.is(answer.at('tickets_known'), known)
  const shown = shownBy(answer)
  t.is(shown.length, 3)
  const feed = new Map((await wholeFeed(it.api)).map((it) => [it.transcript.id, it.transcript]))
  for (const { id, text } of shown) t.is(text, feed.get(id)?.text ?? 'not published')
  t.deepEqual(await it.stored(), before)
  const counted = await it.db.selectFrom('requestCount').select('family').execute()
  t.true(counted.some(({ family }) => family === 'comments'))
})

test.serial('filters are previewed both ways, as the next run then does', async (t) => {
  const it = await imported(t)
  const published = new Set((await wholeFeed(it.api)).map(({ transcript }) => transcript.ticket.id))
  const live = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })].filter(
    ({ ticketId }) => published.has(ticketId),
  )
  const tag = live.flatMap(({ tags }) => tags)[0]!
  const out = live.filter(({ tags }) => tags.includes(tag))
  const before = await it.stored()

  const narrower = await it.preview({ zendesk_exclude_tags: [tag.toUpperCase()] })

  t.like(narrower.json, {
    to_fetch: 0,
    to_retract: { filtered: out.length },
    requests: { account: 0, incremental: 0, comments: 0 },
  })
  t.true((narrower.at('kept_out.exclude_tags') as number) >= out.length)
  t.true(shownBy(narrower).every(({ ticket }) => !ticket.tags.includes(tag)))
  t.deepEqual(await it.stored(), before)

  await it.ask('PUT', '/admin/workspaces/w1', { zendesk_exclude_tags: [tag] })
  await it.sync()
  const wider = await it.preview({ zendesk_exclude_tags: [] })

  const toFetch = wider.at('to_fetch') as number
  t.is(toFetch, narrower.at('kept_out.exclude_tags') as number)
  t.like(wider.json, {
    to_retract: { filtered: 0 },
    requests: { account: 1, incremental: 0, comments: toFetch },
  })
  t.true((wider.at('minutes') as number) > 0)
  t.true(shownBy(wider).length > 0)
  for (const { ticket } of shownBy(wider)) t.true(ticket.tags.includes(tag))
  t.deepEqual(leaksIn(wider.text), [])

  await it.ask('PUT', '/admin/workspaces/w1', { zendesk_exclude_tags: [] })
  await it.sync()
  t.is((await it.preview()).at('to_fetch'), 0)
})

test.serial('a window beyond what is stored is counted where one page shows it', async (t) => {
  const it = await imported(t)
  const before = await it.stored()

  const answer = await it.preview({ days: 90 })
  const shorter = await it.preview({ days: 30 })

  const storedFrom = new Date(answer.at('window.stored_from') as string)
  const inWindow = [...it.simulator.expectedTranscripts('acme', { from: new Date(0) })].length
  const stored = [...it.simulator.expectedTranscripts('acme', { from: storedFrom })].length
  t.is(answer.at('window.estimated'), false)
  t.true(inWindow > stored)
  // Tickets without public comments show only when their comments are read.
  t.true((answer.at('window.to_fetch') as number) >= inWindow - stored)
  t.true((answer.at('window.tickets') as number) >= (answer.at('window.to_fetch') as number))
  t.is(answer.at('requests.incremental'), 1)
  t.is(answer.at('requests.comments'), answer.at('window.to_fetch'))
  t.is(shownBy(answer).length, 3)
  const published = new Set((await wholeFeed(it.api)).map(({ transcript }) => transcript.id))
  t.true(shownBy(answer).every(({ id }) => !published.has(id)))
  t.deepEqual(leaksIn(answer.text), [])
  t.like(shorter.at('window'), { days: 30, tickets: 0, to_fetch: 0, estimated: false })
  t.deepEqual(await it.stored(), before)
})

test.serial('what cannot be previewed is refused', async (t) => {
  const it = await imported(t)
  const other = `/admin/integrations/${randomUUID()}/preview`

  t.is((await it.preview({}, 'nobody')).status, 401)
  t.is((await it.ask('POST', other, {})).status, 404)
  const unknown = await it.preview({ plan: 'pro', days: 0 })
  t.is(unknown.status, 422)
  t.deepEqual(unknown.at('error.details'), [
    'days: expected a whole number from 1 to 3650',
    'plan: unknown field',
  ])

  await sql`update budget set blocked_until = now() + interval '5 minutes'`.execute(it.db)
  const blocked = await it.preview()
  t.is(blocked.status, 503)
  t.is(blocked.at('error.code'), 'budget_spent')
  t.true(Number(blocked.headers.get('retry-after')) > 200)
  await sql`update budget set blocked_until = null`.execute(it.db)

  await it.simulator.setFault({ kind: 'status', status: 403, family: 'comments', times: null })
  t.deepEqual(shownBy(await it.preview()), [], 'a ticket that cannot be read is left out')
  await it.simulator.clearFaults()

  await it.simulator.revokeTokens('acme')
  const revoked = await it.preview()
  t.is(`${revoked.status} ${String(revoked.at('error.code'))}`, '409 zendesk_refused')

  await it.db.updateTable('integration').set({ status: 'paused' }).execute()
  const paused = await it.preview()
  t.is(`${paused.status} ${String(paused.at('error.code'))}`, '409 not_active')
})
