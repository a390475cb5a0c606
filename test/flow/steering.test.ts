import { createHash } from 'node:crypto'
import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { asking } from '../support/asking.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, gapsIn, lastWord, until, untilRunsEnd } from '../support/truth.ts'

test('a person imports, pauses, resumes, syncs, imports again and disconnects with a purge', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 40,
        days: 60,
        shape: { deletedShare: 0, messagingShare: 0, bigTickets: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const door = await startFrontDoor(t, simulator, { MANUAL_SYNC_COOLDOWN_SECONDS: '0' })
  const { api, db, config, connect } = door
  const ask = asking(api)
  const id = await connect('acme')
  const path = `/admin/integrations/${id}`
  startWorker(t, config)
  await untilRunsEnd(db)
  const imported = await wholeFeed(api)
  t.deepEqual(differencesFrom(simulator, 'acme', imported), [])

  // Paused, a change waits; resumed, one sync brings it.
  t.like(await ask('POST', `${path}/pause`), { status: 200, json: { status: 'paused' } })
  const [first, second, third] = imported.map(({ transcript }) => transcript.ticket.id)
  await simulator.mutate('acme', { kind: 'add_comment', ticketId: first! })
  await simulator.advanceClock(120_000)
  t.is((await ask('POST', `${path}/sync`)).json.error?.code, 'not_active')
  t.like(await ask('POST', `${path}/resume`), { status: 200, json: { status: 'active' } })
  await untilRunsEnd(db)
  t.like((await wholeFeed(api)).at(-1), { transcript: { ticket: { id: first! }, revision: 2 } })

  await simulator.mutate('acme', { kind: 'add_comment', ticketId: second! })
  await simulator.advanceClock(120_000)
  const { status, json } = await ask('POST', `${path}/sync`)
  t.is(status, 202)
  await untilRunsEnd(db)
  const run = (await ask('GET', `${path}/runs/${json.run_id}`)).json
  t.like(run, { kind: 'sync', slot: null, state: 'done', ledger: { published: 1 } })

  // What the rows have wrong is put right by importing again, and nothing else is published.
  const before = (await wholeFeed(api)).length
  const cursor = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
  await db
    .updateTable('transcript')
    .set({ contentHash: 'sha256:wrong' })
    .where('ticketId', '=', third!)
    .execute()
  const again = await ask('POST', `${path}/backfill`, { days: 90 })
  t.is(again.status, 202)
  await untilRunsEnd(db)
  const shown = (await ask('GET', `${path}/runs/${again.json.run_id}`)).json
  t.like(shown, { kind: 'backfill', state: 'done', ledger: { tickets_seen: 40, published: 1 } })
  const feed = await wholeFeed(api)
  t.is(feed.length, before + 1)
  t.like(feed.at(-1), { transcript: { ticket: { id: third! }, revision: 2 } })
  t.deepEqual(differencesFrom(simulator, 'acme', lastWord(feed)), [])
  const cursors = await db.selectFrom('cursor').selectAll().execute()
  t.is(cursors.length, 1)
  t.true(cursors[0]!.generatedAt! >= cursor.generatedAt!)

  await simulator.clearRequests()
  const gone = await ask('DELETE', `${path}?purge=true`)
  t.is(gone.status, 202)
  t.like(gone.json, { status: 'disconnected', token: null, disconnection: { release: 'done' } })
  const asked = (await simulator.requests({})).length
  await until(async () => (await ask('GET', path)).json.erasure?.finished_at !== null)

  t.is((await simulator.requests({})).length, asked)
  const told = await wholeFeed(api)
  const left = told.filter((it) => it.type === 'transcript.retracted')
  t.is(left.length, imported.length)
  t.deepEqual(
    told.filter((it) => !left.includes(it) && it.transcript.turns.length > 0),
    [],
  )
  t.deepEqual(await gapsIn(db), [])
  const { erasure, sync } = (await ask('GET', path)).json
  t.like(erasure, { transcripts: imported.length, revisions: imported.length + 3, tickets: 40 })
  t.is(sync.cursor_at, null)
  const entries = await db.selectFrom('outboxEntry').selectAll().orderBy('sequence').execute()
  const hash = entries
    .filter(({ reason }) => reason === 'disconnected')
    .reduce((chain, { ticketId, revision }) => {
      const last = entries.find((it) => it.ticketId === ticketId && it.revision === revision - 1)

      const line = `${chain}\nzendesk:acme:${ticketId} ${revision - 1} ${last?.contentHash}`
      return `sha256:${createHash('sha256').update(line).digest('hex')}`
    }, '')
  t.is(erasure.hash, hash)
  const dump = await dumpRows(door.url)
  const said = [...simulator.expectedTranscripts('acme', { from: new Date(0) })].flatMap((it) =>
    it.comments.map(({ publicToken }) => publicToken!),
  )
  t.true(said.length > 40)
  t.deepEqual(
    said.filter((text) => dump.includes(text)),
    [],
  )
  for (const table of ['ticket', 'hint', 'author', 'credential', 'stagedEvent'] as const) {
    t.deepEqual(await db.selectFrom(table).selectAll().execute(), [], table)
  }

  // Connected again, what readers know by the same name goes on counting.
  const other = await connect('acme')
  t.not(other, id)
  await untilRunsEnd(db)
  const fresh = (await wholeFeed(api)).slice(told.length)
  t.is(fresh.length, imported.length)
  const last = new Map(left.map(({ transcript }) => [transcript.ticket.id, transcript.revision]))
  for (const { transcript } of fresh) {
    t.is(transcript.revision, 1 + (last.get(transcript.ticket.id) ?? 0))
  }
})
