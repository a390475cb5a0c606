import test from 'ava'
import { readFeed } from '../../../src/outbox/store.ts'
import { type Feed, aFeed, publish } from '../../support/outbox-rows.ts'
import { aReceiver } from '../../support/receiver.ts'
import { aSink, localHttp, passOver, readSink } from '../../support/sinks.ts'
import { type TestWeb, startTestWeb } from '../../support/web.ts'

async function start(t: Parameters<typeof startTestWeb>[0]) {
  const web = await startTestWeb(t)
  const feed = await aFeed(web.db)
  const answers = { status: 410 }
  const { url, received } = await aReceiver(t, (_, it) => it.writeHead(answers.status).end())
  const name = await aSink(web.db, feed.workspaceId, { url })
  const http = localHttp(t)
  return {
    ...web,
    feed,
    answers,
    received,
    name,
    pass: () => passOver(web.db, { name, url, http }),
  }
}

async function idOf({ db }: TestWeb, feed: Feed, ticketId: number): Promise<string> {
  const { entries } = await readFeed(db, feed.workspaceId, 0, 100)
  return entries.find((entry) => entry.ticketId === ticketId)?.id ?? ''
}

test('a publication shows its attempts, and no word of its text', async (t) => {
  const web = await start(t)
  await publish(web.db, web.feed, { ticketId: 1 })
  const id = await idOf(web, web.feed, 1)
  const before = await web.ask('GET', `/admin/publications/${id}`)
  await web.pass()

  const { status, json, text } = await web.ask('GET', `/admin/publications/${id}`)

  t.like(before.at('deliveries.0'), { sink_id: 'one', state: 'pending', attempts: 0, history: [] })
  t.is(status, 200)
  t.false(text.includes('It does not start'))
  const { deliveries, published_at, ...rest } = json
  t.regex(String(published_at), /^\d{4}-.*Z$/)
  t.deepEqual(rest, {
    id,
    type: 'transcript.published',
    reason: null,
    sequence: '1',
    workspace_id: 'w1',
    integration_id: web.feed.integrationId,
    ticket_id: 1,
    revision: 1,
    newest: true,
    erased: false,
  })
  t.like(deliveries, [
    {
      sink_id: 'one',
      sink_state: 'stopped',
      state: 'dead',
      replayed: false,
      attempts: 1,
      outcome: 'gone (410)',
      history: [{ attempt: 1, outcome: 'gone (410)' }],
    },
  ])
})

test('a redrive delivers what was given up, and starts the sink again', async (t) => {
  const web = await start(t)
  await publish(web.db, web.feed, { ticketId: 1 })
  const id = await idOf(web, web.feed, 1)
  await web.pass()
  web.answers.status = 200

  const answer = await web.ask('POST', `/admin/publications/${id}/redrive`)
  await web.pass()

  t.is(answer.status, 202)
  t.deepEqual(answer.json, { publication_id: id, sinks: ['one'] })
  t.is((await readSink(web.db, web.name)).state, 'active')
  t.deepEqual(
    web.received.map(({ webhookId }) => webhookId),
    [id, id],
  )
  const shown = await web.ask('GET', `/admin/publications/${id}`)
  t.like(shown.at('deliveries.0'), { state: 'delivered', attempts: 2, outcome: 'status 200' })
})

test('what was delivered, has a newer revision or lost its text is not delivered again', async (t) => {
  const web = await start(t)
  await publish(web.db, web.feed, { ticketId: 1 })
  const id = await idOf(web, web.feed, 1)
  const redrive = async () => {
    const { status, at } = await web.ask('POST', `/admin/publications/${id}/redrive`)
    return `${status} ${String(at('error.code'))}: ${String(at('error.message'))}`
  }
  const nothing = '409 nothing_to_redrive: there is nothing to deliver again: '

  t.is(await redrive(), `${nothing}no sink has given it up`)
  await web.pass()
  await publish(web.db, web.feed, { ticketId: 1, revision: 2 })
  t.is(await redrive(), `${nothing}a newer revision of the transcript exists`)
  await web.db.deleteFrom('transcriptRevision').where('revision', '=', 1).execute()
  t.is(await redrive(), `${nothing}its text is erased: a newer revision took it back`)
  t.is((await readSink(web.db, web.name)).state, 'stopped')
})

test('a redrive to a sink for all revisions is followed by the later ones again', async (t) => {
  const web = await start(t)
  await web.ask('PUT', '/admin/workspaces/w1/sinks/one', { json: { all_revisions: true } })
  await publish(web.db, web.feed, { ticketId: 1 })
  const id = await idOf(web, web.feed, 1)
  await web.pass()
  web.answers.status = 200
  await web.ask('PUT', '/admin/workspaces/w1/sinks/one', { json: {} })
  await publish(web.db, web.feed, { ticketId: 2 })
  for (const revision of [2, 3]) await publish(web.db, web.feed, { ticketId: 1, revision })
  await web.pass()

  const { status } = await web.ask('POST', `/admin/publications/${id}/redrive`)
  await web.pass()

  t.is(status, 202)
  const ofTicket = web.received.filter(({ transcriptId }) => transcriptId === 'zendesk:acme:1')
  t.deepEqual(
    ofTicket.map(({ revision, headers }) => `${revision} ${headers['webhook-replay']}`),
    ['1 undefined', '2 undefined', '3 undefined', '1 undefined', '2 true', '3 true'],
  )
  t.is(web.received.length, 7)
})

test('a publication that there is not cannot be shown or delivered', async (t) => {
  const { ask } = await start(t)

  for (const id of [`pub_${'0'.repeat(32)}`, 'pub_1', 'x']) {
    t.is((await ask('GET', `/admin/publications/${id}`)).status, 404)
    t.is((await ask('POST', `/admin/publications/${id}/redrive`)).status, 404)
  }
})

test('a replay sends from the rows what the workspace has, and says how far', async (t) => {
  const web = await start(t)
  web.answers.status = 200
  await publish(web.db, web.feed, { ticketId: 1 }, { ticketId: 2 })
  await web.pass()

  const all = await web.ask('POST', '/admin/workspaces/w1/replay')
  await web.pass()
  const some = await web.ask('POST', '/admin/workspaces/w1/replay', {
    json: { after: '1', ticket_ids: [2], sink_id: 'one' },
  })
  await web.pass()

  t.is(all.status, 202)
  t.deepEqual(all.json, { after: '0', through: '2', sinks: ['one'] })
  t.deepEqual(some.json, { after: '1', through: '2', sinks: ['one'] })
  t.deepEqual(web.received.map(({ transcriptId }) => transcriptId.slice(-1)).toSorted(), [
    '1',
    '1',
    '2',
    '2',
    '2',
  ])
})

test('a replay that is still to come is shown with its sink and counted in the status', async (t) => {
  const web = await start(t)
  await publish(web.db, web.feed, { ticketId: 1 }, { ticketId: 2 })
  await web.ask('POST', '/admin/workspaces/w1/replay', { json: { after: 1 } })
  await web.ask('POST', '/admin/workspaces/w1/replay', {
    json: { ticket_ids: [2], sink_id: 'one' },
  })

  const one = await web.ask('GET', '/admin/workspaces/w1/sinks/one')
  const list = await web.ask('GET', '/admin/workspaces/w1/sinks')
  const status = await web.ask('GET', '/admin/status')

  t.like(one.json, {
    replays: [
      { position: '1', through: '2', tickets: null },
      { position: '0', through: '2', tickets: 1 },
    ],
  })
  t.deepEqual(list.at('data.0'), one.json)
  t.like(status.json, { replays: { count: 2, is_more: false } })
})

test('a replay leaves stopped sinks alone, unless one is named', async (t) => {
  const web = await start(t)
  await publish(web.db, web.feed, { ticketId: 1 })
  await web.pass()

  const all = await web.ask('POST', '/admin/workspaces/w1/replay')
  const stopped = (await readSink(web.db, web.name)).state
  const named = await web.ask('POST', '/admin/workspaces/w1/replay', { json: { sink_id: 'one' } })

  t.deepEqual(all.at('sinks'), [])
  t.is(stopped, 'stopped')
  t.deepEqual(named.at('sinks'), ['one'])
  t.is((await readSink(web.db, web.name)).state, 'active')
})

test('a replay that cannot be meant is refused by field, and nothing is noted', async (t) => {
  const { ask, db } = await start(t)
  const expected = 'expected the "sequence" of a publication or the "next" of the feed'

  for (const [json, detail] of [
    [{ after: -1 }, `after: ${expected}`],
    [{ after: 'soon' }, `after: ${expected}`],
    [{ ticket_ids: [] }, 'ticket_ids: expected at least one ticket'],
    [{ sink_id: 'nobody' }, 'sink_id: there is no such sink'],
    [{ sinks: ['one'] }, 'sinks: unknown field'],
  ] as const) {
    const { status, at } = await ask('POST', '/admin/workspaces/w1/replay', { json })
    t.is(status, 422)
    t.deepEqual(at('error.details'), [detail])
  }
  t.deepEqual(await db.selectFrom('replay').selectAll().execute(), [])
})
