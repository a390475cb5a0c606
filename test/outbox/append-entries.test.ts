import test from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { isErased } from '../../src/outbox/entry.ts'
import { appendEntries, readFeed, readFeedEnd } from '../../src/outbox/store.ts'
import { testDatabase } from '../support/database.ts'
import {
  type Feed,
  aFeed,
  aTranscript,
  aTurn,
  publish,
  publishIn,
  retract,
} from '../support/outbox-rows.ts'
import { randomText } from '../support/random.ts'

async function readAll(db: Kysely<Database>, { workspaceId }: Feed, limit = 1_000) {
  const entries = []
  for (let after = 0; ;) {
    const page = await readFeed(db, workspaceId, after, limit)
    entries.push(...page.entries)
    after = page.position
    if (!page.hasMore) return entries
  }
}

test('entries are numbered from 1 in the order in which they are passed', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)

  await publish(db, feed, { ticketId: 9 }, { ticketId: 3 })
  await publish(db, feed, { ticketId: 5 })
  await retract(db, feed, { ticketId: 9, revision: 2, reason: 'deleted' })

  const entries = await readAll(db, feed)
  t.deepEqual(
    entries.map(({ sequence, ticketId, revision, type }) => [sequence, ticketId, revision, type]),
    [
      [1, 9, 1, 'transcript.published'],
      [2, 3, 1, 'transcript.published'],
      [3, 5, 1, 'transcript.published'],
      [4, 9, 2, 'transcript.retracted'],
    ],
  )
  t.is(new Set(entries.map(({ id }) => id)).size, 4)
  for (const { id } of entries) t.regex(id, /^pub_[0-9a-f]{32}$/)
})

test('each workspace has its own numbers and sees its own entries only', async (t) => {
  const { db } = await testDatabase(t)
  const [one, two] = [await aFeed(db, 'one'), await aFeed(db, 'two')]

  await publish(db, one, { ticketId: 1 })
  await publish(db, two, { ticketId: 2 })

  t.like(await readAll(db, one), [{ sequence: 1, ticketId: 1, workspaceId: 'one' }])
  t.like(await readAll(db, two), [{ sequence: 1, ticketId: 2, workspaceId: 'two' }])
})

test('nothing to append locks nothing', async (t) => {
  const { db } = await testDatabase(t)
  const { workspaceId } = await aFeed(db)

  await db.transaction().execute(async (trx) => {
    await appendEntries(trx, workspaceId, [])
    await db.selectFrom('feed').selectAll().forUpdate().noWait().execute()
  })

  t.is(await readFeedEnd(db, workspaceId), 0)
})

test('a thousand entries are appended by one statement', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)

  await publish(db, feed, ...Array.from({ length: 1_000 }, (_, index) => ({ ticketId: index + 1 })))

  const entries = await readAll(db, feed)
  t.true(entries.every(({ sequence, ticketId }) => sequence === ticketId))
  t.is(entries.length, 1_000)
})

test('the same revision of a transcript is not published twice', async (t) => {
  const { db } = await testDatabase(t)
  const { workspaceId, integrationId } = await aFeed(db)
  await publish(db, { workspaceId, integrationId }, { ticketId: 1 })
  const [entry] = await readAll(db, { workspaceId, integrationId })

  const again = db.transaction().execute(async (trx) => {
    if (entry?.type === 'transcript.published') await appendEntries(trx, workspaceId, [entry])
  })

  await t.throwsAsync(again, { message: /outbox_entry_integration_id_ticket_id_revision/ })
  t.is(await readFeedEnd(db, workspaceId), 1)
})

test('a transaction gets its numbers only after the one before it has ended', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  const first = await db.startTransaction().execute()
  await publishIn(first, feed, [{ ticketId: 1 }])

  const second = publish(db, feed, { ticketId: 2 })
  const during = await readAll(db, feed)
  await first.commit().execute()
  await second

  t.deepEqual(during, [])
  t.like(await readAll(db, feed), [
    { sequence: 1, ticketId: 1 },
    { sequence: 2, ticketId: 2 },
  ])
})

test('a rollback takes its numbers back', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  const first = await db.startTransaction().execute()
  await publishIn(first, feed, [{ ticketId: 1 }, { ticketId: 3 }])

  const second = publish(db, feed, { ticketId: 2 })
  await first.rollback().execute()
  await second

  t.like(await readAll(db, feed), [{ sequence: 1, ticketId: 2 }])
})

test('large texts are spread over more pages than the limit asks for', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  const transcript = aTranscript([aTurn({ text: randomText(2_500_000) })])
  for (const ticketId of [1, 2, 3, 4, 5, 6]) await publish(db, feed, { ticketId, transcript })

  const page = await readFeed(db, feed.workspaceId, 0, 100)
  const all = await readAll(db, feed, 100)

  t.true(page.entries.length >= 1 && page.entries.length < 6)
  t.true(page.hasMore)
  t.deepEqual(
    all.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5, 6],
  )
})

test('an entry keeps its place when its text is erased', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 }, { ticketId: 3 })
  await db.deleteFrom('transcriptRevision').where('ticketId', 'in', [1, 3]).execute()

  const page = await readFeed(db, feed.workspaceId, 0, 10)

  t.deepEqual(
    page.entries.map((entry): unknown => [entry.ticketId, isErased(entry)]),
    [
      [1, true],
      [2, false],
      [3, true],
    ],
  )
  t.is(page.position, 3)
  t.false(page.hasMore)
})
