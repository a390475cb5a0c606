import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import {
  type DisconnectDeps,
  disconnectOnce,
} from '../../../src/housekeeping/disconnect/disconnect-once.ts'
import { eraseOnce } from '../../../src/housekeeping/erase-once.ts'
import {
  findDisconnection,
  insertDisconnection,
} from '../../../src/integration/disconnection/store.ts'
import { moveStatus } from '../../../src/integration/steer-store.ts'
import { lockIntegration } from '../../../src/integration/store.ts'
import { readFeed } from '../../../src/outbox/store.ts'
import { setLogLevel } from '../../../src/platform/log.ts'
import { ZendeskClient } from '../../../src/zendesk/client.ts'
import { loadConfig } from '../../../src/platform/config/config.ts'
import { testDatabase } from '../../support/database.ts'
import { testEnvironment } from '../../support/environment.ts'
import { aFeed, aTranscript, aTurn, publish } from '../../support/outbox-rows.ts'

const never = new AbortController().signal

/** `PURGE_TRANSCRIPTS=200000` for the real size, in the real batches. */
const TRANSCRIPTS = Number(process.env['PURGE_TRANSCRIPTS'] ?? 60)
const batch = TRANSCRIPTS > 1_000 ? 500 : 7

async function disconnected(t: ExecutionContext, { purge = true, count = TRANSCRIPTS } = {}) {
  setLogLevel('silent')
  const { db, url } = await testDatabase(t)
  const config = loadConfig(
    await testEnvironment(url, { urlTemplate: 'http://127.0.0.1:9/{subdomain}' }),
  )
  const zendesk = new ZendeskClient({ db, config })
  t.teardown(() => zendesk[Symbol.asyncDispose]())
  const feed = await aFeed(db)
  const { integrationId } = feed
  for (let from = 1; from <= count; from += 1_000) {
    const ids = Array.from(
      { length: Math.min(1_000, count - from + 1) },
      (_, index) => from + index,
    )
    await publish(
      db,
      feed,
      ...ids.map((ticketId) => ({
        ticketId,
        transcript: aTranscript([aTurn({ text: `secret of ${ticketId}` })]),
      })),
    )
  }
  const rows = Array.from({ length: 20 }, (_, index) => index + 1)
  await sql`
    insert into staged_event (integration_id, event_id, ticket_id, at, comment_count, must_confirm,
      comments)
    select ${integrationId}::uuid, n, n, now(), 0, true, '[]' from unnest(${rows}::int[]) as n (n)`.execute(
    db,
  )
  await sql`
    insert into author (integration_id, user_id, is_staff)
    select ${integrationId}::uuid, n, true from unnest(${rows}::int[]) as n (n)`.execute(db)
  await sql`
    insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, due_at,
      settled_at, outcome)
    select ${integrationId}::uuid, n::text, n, 'x', 'content', now(), now(),
      case when n > 5 then now() end, case when n > 5 then 'moot' end
    from unnest(${rows}::int[]) as n (n)`.execute(db)
  await sql`
    insert into ticket (integration_id, ticket_id, generated_at, updated_at, status, tags,
      fingerprint, outcome)
    select ${integrationId}::uuid, n, now(), now(), 'open', '{vip}', 'f', 'published'
    from generate_series(1, ${count}::int) as n`.execute(db)
  await db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, integrationId)
    await moveStatus(trx, integration!, 'disconnected')
    await insertDisconnection(trx, integrationId, purge)
  })
  const deps: DisconnectDeps = {
    db,
    zendesk,
    quotaShare: 1,
    removeWebhook: () => Promise.resolve(),
    batch,
  }
  const due = () => db.updateTable('disconnection').set({ dueAt: new Date() }).execute()
  await due()
  return { db, url, feed, deps, due, count, read: () => findDisconnection(db, integrationId) }
}

type Scene = Awaited<ReturnType<typeof disconnected>>

/** Dies in the transaction number `dies`, and says whether it came to that. */
async function dieAt({ deps, db }: Scene, dies: number): Promise<boolean> {
  let count = 0
  const dying: DisconnectDeps['db'] = new Proxy(db, {
    get: (target, name) => {
      if (name !== 'transaction') {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return () => ({
        execute: (work: Parameters<ReturnType<typeof db.transaction>['execute']>[0]) =>
          db.transaction().execute(async (trx) => {
            const result = await work(trx)
            count += 1
            if (count === dies) throw new Error('killed before the commit')
            return result
          }),
      })
    },
  })
  return disconnectOnce({ ...deps, db: dying }, never).then(
    () => false,
    () => true,
  )
}

async function toTheEnd({ db, deps, due, read }: Scene): Promise<void> {
  for (let round = 0; (await read())?.finishedAt === null; round++) {
    if (round > 20) throw new Error('the disconnect does not come to its end')
    await due()
    await disconnectOnce(deps, never)
    await eraseOnce({ db, sinks: [] }, never)
  }
}

/** What must be the same however often it was cut short. */
async function endState({ db, feed, read }: Scene) {
  const { entries } = await readFeed(db, feed.workspaceId, 0, 100_000)
  const disconnection = await read()
  const left: Record<string, number> = {}
  for (const table of [
    'transcriptRevision',
    'erasure',
    'stagedEvent',
    'author',
    'hint',
    'ticket',
    'cursor',
    'credential',
  ] as const) {
    left[table] = (await db.selectFrom(table).select('integrationId').execute()).length
  }
  const { transcripts, revisions, tickets, hints, hash, release } = disconnection!
  return {
    told: entries.map(({ type, ticketId, revision, sequence }) => [
      type,
      ticketId,
      revision,
      sequence,
    ]),
    left,
    receipt: { transcripts, revisions, tickets, hints, hash, release },
  }
}

test('a purge retracts everything in order, a batch at a time, and leaves a receipt', async (t) => {
  const it = await disconnected(t)
  const startedAt = performance.now()

  await toTheEnd(it)

  t.log(`${it.count} transcripts in ${Math.round(performance.now() - startedAt)} ms`)
  const { count, db } = it
  const { left, receipt } = await endState(it)
  t.true(
    Object.values(left).every((rows) => rows === 0),
    JSON.stringify(left),
  )
  const { hash, ...counts } = receipt
  t.deepEqual(counts, {
    transcripts: count,
    revisions: count,
    tickets: count,
    hints: 20,
    release: 'done',
  })
  t.regex(hash, /^sha256:[0-9a-f]{64}$/)
  const entries = await db
    .selectFrom('outboxEntry')
    .select(['ticketId', 'revision', 'reason'])
    .where('type', '=', 'transcript.retracted')
    .orderBy('sequence')
    .execute()
  t.is(entries.length, count)
  t.true(entries.every((entry, index) => entry.ticketId === index + 1 && entry.revision === 2))
  t.true(entries.every(({ reason }) => reason === 'disconnected'))
})

if (TRANSCRIPTS < 1_000) {
  test('a purge that is killed at any commit ends as if nothing had happened', async (t) => {
    const whole = await disconnected(t, { count: 20 })
    await toTheEnd(whole)
    const expected = await endState(whole)

    let deaths = 0
    const it = await disconnected(t, { count: 20 })
    for (let dies = 1; dies < 100; dies++) {
      await it.due()
      if (!(await dieAt(it, dies))) break
      deaths += 1
    }
    await toTheEnd(it)

    t.true(deaths > 3, `${deaths} deaths`)
    t.deepEqual(await endState(it), expected)
  })

  test('several workers share a purge and do nothing twice', async (t) => {
    const it = await disconnected(t)

    await Promise.all([1, 2, 3, 4].map(() => disconnectOnce(it.deps, never)))
    await toTheEnd(it)

    const { told, receipt } = await endState(it)
    t.is(told.filter(([type]) => type === 'transcript.retracted').length, it.count)
    t.is(receipt.transcripts, it.count)
    t.is(receipt.tickets, it.count)
  })

  test('without a purge the texts stay, and what was needed to read the account goes', async (t) => {
    const it = await disconnected(t, { purge: false })

    await toTheEnd(it)

    const { told, left, receipt } = await endState(it)
    t.true(told.every(([type]) => type === 'transcript.published'))
    t.like(left, {
      transcriptRevision: it.count,
      stagedEvent: 0,
      author: 0,
      hint: 15,
      ticket: it.count,
    })
    t.like(receipt, { transcripts: 0, revisions: 0, hash: '' })

    await it.db
      .transaction()
      .execute((trx) => insertDisconnection(trx, it.feed.integrationId, true))
    t.is((await it.read())?.finishedAt, null)
    await toTheEnd(it)
    t.like((await endState(it)).receipt, { transcripts: it.count, revisions: it.count })
  })

  test('text is only taken for erased when every receiver knows of it', async (t) => {
    const it = await disconnected(t, { count: 5 })

    await disconnectOnce(it.deps, never)
    await eraseOnce({ db: it.db, sinks: ['file'] }, never)
    await it.due()
    await disconnectOnce(it.deps, never)

    t.like(await it.read(), { transcripts: 5, finishedAt: null })
    const texts = await it.db.selectFrom('transcriptRevision').select('ticketId').execute()
    t.is(texts.length, 5)
  })
}
