import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { sql } from 'kysely'
import { Client } from 'pg'
import { prunePublicationsOnce } from '../../src/housekeeping/prune-publications-once.ts'
import { aFeed, publish } from '../support/outbox-rows.ts'
import { aReceiver, answer } from '../support/receiver.ts'
import { environmentSink, localHttp, passOver } from '../support/sinks.ts'
import { startTestWeb } from '../support/web.ts'

const folder = path.join(import.meta.dirname, '..', '..', 'docs', 'operating')
const restoredSql = readFileSync(path.join(folder, 'restored.sql'), 'utf8')

test('after a restore readers are told, and nothing that is published later looks old', async (t) => {
  const { ask, db, databaseUrl } = await startTestWeb(t)
  const feed = await aFeed(db)
  await environmentSink(db)
  const { url, received } = await aReceiver(t, answer(200))
  const push = { url, http: localHttp(t) }
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  await publish(db, feed, { ticketId: 1, revision: 2 })
  await passOver(db, push)
  await publish(db, feed, { ticketId: 3 })
  // What a reader has seen before the restore and the rows that are left of it: 9 of 4 publications.
  const path = '/v1/workspaces/w1/transcripts'
  t.is((await ask('GET', `${path}?after=9`)).status, 422)

  await runSql(databaseUrl, restoredSql)

  const told = await ask('GET', `${path}?after=9`)
  t.is(told.status, 410)
  t.is(told.at('error.code'), 'cursor_pruned')
  const current = await ask('GET', `${path}/current`)
  const live = current.at('data') as { revision: number; ticket: { id: number } }[]
  t.deepEqual(
    live.map(({ ticket }) => ticket.id).toSorted((a, b) => a - b),
    [1, 2, 3],
  )
  const [revision = 0] = live.map((transcript) => transcript.revision)
  t.true(live.every((transcript) => transcript.revision > 100_000))

  // What waited for a sink comes to it, and what is published from now on to everybody, in order.
  await publish(db, feed, { ticketId: 2, revision: revision + 1 })
  await passOver(db, push)
  const pushed = received.map(({ transcriptId }) => Number(transcriptId.split(':')[2]))
  t.deepEqual(
    pushed.toSorted((a, b) => a - b),
    [1, 2, 2, 3],
  )
  const page = await ask('GET', `${path}?after=${String(current.at('feed_cursor'))}`)
  t.like(page.json, {
    data: [{ transcript: { ticket: { id: 2 }, revision: revision + 1 } }],
    has_more: false,
  })
  await sql`update outbox_entry set published_at = now() - interval '1 year'`.execute(db)
  const signal = new AbortController().signal
  const sinks = ['http']
  const pruned = await prunePublicationsOnce({ db, sinks, keepDays: 1 }, signal)
  t.true(Object.values(pruned).some((count) => count > 0))
})

async function runSql(url: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}
