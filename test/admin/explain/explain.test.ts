import test from 'ava'
import { IntegrationId } from '../../../src/ids.ts'
import { startSimulator } from '../../../src/simulator/start.ts'
import { asking } from '../../support/asking.ts'
import { startFrontDoor, startWorker } from '../../support/front-door.ts'
import { wholeFeed } from '../../support/service.ts'
import { untilRunsEnd } from '../../support/truth.ts'
import { startTestWeb } from '../../support/web.ts'

const READ_TOKEN = 'a-token-that-may-only-read'

test('a ticket is explained from hint to delivery, without a word of it', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [{ subdomain: 'acme', tickets: 20, days: 60, shape: { deletedShare: 0 } }],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator, { READ_TOKEN })
  const ask = asking(api)
  const id = await connect('acme')
  startWorker(t, config)
  await untilRunsEnd(db)
  const feed = await wholeFeed(api)
  const { ticket, turns } = feed[0]!.transcript
  const path = (ticketId: number) => `/admin/integrations/${id}/tickets/${ticketId}/explain`

  const { status, json } = await ask('GET', path(ticket.id), undefined, READ_TOKEN)

  t.is(status, 200)
  t.like(json, { integration_id: id, ticket_id: ticket.id, published: true, hints: [] })
  t.deepEqual(json.because, ['it is in scope and has public comments', 'revision 1 is published'])
  t.like(json.filter, { in_scope: true, rule: null, why: 'every filter lets it in', applied: true })
  t.like(json.last_seen, { outcome: 'published', reason: null })
  t.like(json.transcript, { id: `zendesk:acme:${ticket.id}`, state: 'live', revision: 1 })
  t.is(json.revisions.length, 1)
  t.like(json.revisions[0], { type: 'transcript.published', revision: 1, text_stored: true })
  const text = JSON.stringify(json)
  t.false(text.includes(JSON.stringify(ticket.subject)))
  for (const turn of turns) t.false(text.includes(turn.text))

  const tags: string[] = json.last_seen.tags
  await ask('PUT', '/admin/workspaces/w1', { zendesk_exclude_tags: [tags[0]] })
  const kept = (await ask('GET', path(ticket.id))).json
  t.like(kept.filter, { in_scope: false, rule: 'exclude_tags', applied: false })
  t.true(kept.because.includes('the filters have changed and are applied to it by the next run'))

  const unknown = await ask('GET', path(99_999))
  t.is(`${unknown.status} ${unknown.json.error.code}`, '404 not_found')
  const now = new Date()
  await db
    .insertInto('hint')
    .values({
      integrationId: IntegrationId.parse(id),
      eventId: 'e1',
      ticketId: 99_999,
      type: 'zen:event-type:ticket.created',
      class: 'content',
      occurredAt: now,
      dueAt: new Date(now.getTime() + 3_600_000),
    })
    .execute()
  const hinted = (await ask('GET', path(99_999))).json
  t.like(hinted, { published: false, last_seen: null, transcript: null, revisions: [] })
  t.like(hinted.hints[0], { class: 'content', looks: 0, settled_at: null })
  t.deepEqual(hinted.because, [
    'no run has seen it yet: only hints tell of it',
    '1 of its hints wait for a look',
  ])
})

test('explanations and schedules are for readers, of what there is', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN })
  const nobody = '5d1f0b6e-6f3f-4f0e-9a64-2f1f3f3c0f11'

  for (const path of [
    `/admin/integrations/${nobody}/tickets/1/explain`,
    '/admin/workspaces/nobody/schedule',
  ]) {
    t.is((await ask('GET', path, { token: null })).status, 401)
    t.is((await ask('GET', path, { token: 'wrong' })).status, 401)
    const { status, at } = await ask('GET', path, { token: READ_TOKEN })
    t.is(`${status} ${String(at('error.code'))}`, '404 not_found')
    t.is((await ask('POST', path)).status, 405)
  }
  for (const ticket of ['0', '-1', 'x', '1.5', '99999999999999999', '1e3']) {
    t.is((await ask('GET', `/admin/integrations/${nobody}/tickets/${ticket}/explain`)).status, 404)
  }
})

test('the schedule tells the next five slots of the plan, and why', async (t) => {
  const { ask } = await startTestWeb(t, { READ_TOKEN, SYNC_TIME_UTC: '05:30' })
  const path = '/admin/workspaces/w1/schedule'
  const slotsOf = (json: Readonly<Record<string, unknown>>) =>
    json['slots'] as { at: string; why: string }[]
  await ask('PUT', '/admin/workspaces/w1', { json: { plan: 'starter', sync_day: 'thursday' } })

  const { status, json } = await ask('GET', path, { token: READ_TOKEN })

  t.is(status, 200)
  t.like(json, {
    workspace_id: 'w1',
    plan: 'starter',
    sync_day: 'thursday',
    sync_time_utc: '05:30',
  })
  t.regex(
    String(json['why']),
    /^The starter plan has one slot a week: every Thursday at 05:30 UTC\./,
  )
  const weekly = slotsOf(json)
  t.is(weekly.length, 5)
  t.true(weekly.every(({ at }) => new Date(at).getUTCDay() === 4 && /T05:30:00.000Z$/.test(at)))
  t.regex(
    weekly[0]!.why,
    /^Thursday, .*: a Thursday, the sync day of this workspace, at 05:30 UTC$/,
  )
  const gaps = (slots: { at: string }[]) =>
    slots.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(slots[index]!.at))
  t.deepEqual(gaps(weekly), Array(4).fill(7 * 86_400_000))

  await ask('PUT', '/admin/workspaces/w1', { json: { plan: 'pro' } })
  const daily = slotsOf((await ask('GET', path)).json)
  t.deepEqual(gaps(daily), Array(4).fill(86_400_000))
  t.regex(daily[0]!.why, /: every day on the pro plan, at 05:30 UTC$/)
})
