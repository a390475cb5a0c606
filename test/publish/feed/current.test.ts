import test from 'ava'
import { request } from 'undici'
import { IntegrationId } from '../../../src/ids.ts'
import { randomText } from '../../support/random.ts'
import { aFeedApi, get, sequencesOf, tickets } from '../../support/feed-api.ts'
import { aFeed, aTranscript, aTurn, publish, retract } from '../../support/outbox-rows.ts'

test('the current transcripts are the live ones at their newest revision, page by page', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 5))
  await publish(db, feed, { ticketId: 3, revision: 2 })
  await retract(db, feed, { ticketId: 2, revision: 2, reason: 'deleted' })
  await publish(db, await aFeed(db, 'other'), { ticketId: 6 })

  const first = await get(`${url}/w1/transcripts/current?limit=3`)
  const second = await get(`${url}/w1/transcripts/current?limit=3&cursor=${first.body.next_cursor}`)

  const shown = [...first.body.data, ...second.body.data]
  t.deepEqual(
    shown.map(({ id, revision }) => [id, revision]),
    [
      ['zendesk:acme:1', 1],
      ['zendesk:acme:3', 2],
      ['zendesk:acme:4', 1],
      ['zendesk:acme:5', 1],
    ],
  )
  t.is(second.body.next_cursor, null)
  t.like(shown[0], { text: 'Customer: It does not start.', source: 'zendesk' })
})

test('who starts with the current transcripts follows the feed from their feed_cursor', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 2))

  const current = await get(`${url}/w1/transcripts/current`)
  await publish(db, feed, { ticketId: 3 })
  const news = await get(`${url}/w1/transcripts?after=${current.body.feed_cursor}`)

  t.deepEqual(sequencesOf(news.body), [3])
})

test('the transcripts of an integration stay current, whatever became of it', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 2))

  for (const status of ['active', 'paused', 'disconnected'] as const) {
    await db.updateTable('integration').set({ status }).execute()
    const { body } = await get(`${url}/w1/transcripts/current`)
    t.is(body.data.length, 2, status)
  }
})

test('as a stream they come a line each, over any number of pages, and say where to go on', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  await publish(db, feed, ...tickets(1, 450))
  await retract(db, feed, { ticketId: 7, revision: 2, reason: 'deleted' })
  const ask = async (query: string) => {
    const headers = { accept: 'application/x-ndjson' }
    const answer = await request(`${url}/w1/transcripts/current${query}`, { headers })
    return { ...answer, lines: (await answer.body.text()).split('\n').slice(0, -1) }
  }

  const all = await ask('')
  const some = await ask('?limit=3')

  t.is(all.headers['content-type'], 'application/x-ndjson')
  t.is(all.headers['x-feed-cursor'], '451')
  const shown = all.lines.map((line) => JSON.parse(line))
  const page = await get(`${url}/w1/transcripts/current?limit=200`)
  t.deepEqual(shown.slice(0, 200), page.body.data)
  t.is(new Set(shown.map(({ id }) => id)).size, 449)
  t.deepEqual(some.lines, all.lines.slice(0, 3))
})

test('pages follow one another over integrations, by whatever size and however large', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  const { id: integrationId } = await db
    .insertInto('integration')
    .values({ workspaceId: feed.workspaceId, subdomain: 'other', status: 'active' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const other = { ...feed, integrationId: IntegrationId.parse(integrationId) }
  const transcript = aTranscript([aTurn({ text: randomText(2_500_000) })])
  await publish(db, feed, ...tickets(1, 7))
  await publish(db, other, ...tickets(4, 6))
  for (const ticketId of [7, 8, 9]) await publish(db, other, { ticketId, transcript })

  for (const limit of [1, 2, 5, 200]) {
    const ids: string[] = []
    for (let cursor = ''; ;) {
      const { body } = await get(`${url}/w1/transcripts/current?limit=${limit}&cursor=${cursor}`)
      t.true(body.data.length > 0 && body.data.length <= limit)
      ids.push(...body.data.map(({ id }: { id: string }) => id))
      if (body.next_cursor === null) break
      cursor = body.next_cursor
    }
    t.is(ids.length, 13)
    t.is(new Set(ids).size, 13)
  }
})
