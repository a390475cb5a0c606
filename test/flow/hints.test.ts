import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { saveHints } from '../../src/hint/store.ts'
import { IntegrationId, TicketId } from '../../src/ids.ts'
import type { Mutation } from '../../src/simulator/mutation/mutation.ts'
import type { ExpectedTranscript } from '../../src/simulator/oracle.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import {
  differencesFrom,
  lastWord,
  toldOf,
  unaccounted,
  until,
  untilRunsEnd,
} from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

test.serial('a hint that takes words back is acted on at once, on the least plan', async (t) => {
  const it = await imported(t)
  const [first, second, third] = it.transcripts
  await it.mutate({ kind: 'delete', ticketId: first!.ticketId })
  await it.mutate({ kind: 'redact', ticketId: second!.ticketId, index: 0 })
  await it.mutate({ kind: 'add_comment', ticketId: third!.ticketId })

  await it.hint(first!.ticketId, 'soft_deleted')
  await it.hint(second!.ticketId, 'comment_redacted')
  await it.hint(third!.ticketId, 'comment_added')
  await it.untilHints({ fetched: 2 })

  t.deepEqual(await toldOf(it.db, first!.ticketId), ['published 1', 'retracted 2'])
  t.deepEqual(await toldOf(it.db, second!.ticketId), ['published 1', 'published 2'])
  t.deepEqual(await toldOf(it.db, third!.ticketId), ['published 1'])
  const pending = await it.db
    .selectFrom('hint')
    .select('type')
    .where('outcome', 'is', null)
    .execute()
  t.deepEqual(pending, [{ type: 'comment_added' }])
})

test.serial('hints are settled up to one whose ticket cannot be looked at', async (t) => {
  const it = await imported(t)
  const hinted = it.transcripts.slice(0, 15)
  for (const { ticketId } of hinted) await it.mutate({ kind: 'add_comment', ticketId })
  const ticketId = hinted[12]!.ticketId
  const broken = { kind: 'status', status: 500, family: 'comments', times: null } as const
  await it.simulator.setFault({ ...broken, ticketId })

  await it.db.transaction().execute(async (trx) => {
    for (const hint of hinted) await it.hint(hint.ticketId, 'comment_redacted', undefined, trx)
  })
  await it.untilHints({ fetched: 10 })

  const pending = await it.db
    .selectFrom('hint')
    .select('ticketId')
    .where('outcome', 'is', null)
    .orderBy('dueAt')
    .execute()
  t.deepEqual(
    pending.map((hint) => hint.ticketId),
    hinted.slice(10).map((one) => one.ticketId),
  )
})

test.serial('prompt freshness acts on every hint', async (t) => {
  const it = await imported(t)
  await it.db.updateTable('workspace').set({ plan: 'pro', freshness: 'prompt' }).execute()
  const [first] = it.transcripts
  await it.mutate({ kind: 'add_comment', ticketId: first!.ticketId })

  await it.hint(first!.ticketId, 'comment_added')
  await it.hint(999_999, 'comment_added')
  await it.untilHints({ fetched: 1, moot: 1 })

  t.deepEqual(differencesFrom(it.simulator, 'acme', lastWord(await wholeFeed(it.api))), [])
})

test.serial('a sync confirms hints, and looks at what the export did not show', async (t) => {
  const it = await imported(t)
  const [shown, silent, idle] = it.transcripts
  await it.mutate({ kind: 'add_comment', ticketId: shown!.ticketId })
  await it.simulator.advanceClock(120_000)
  const occurredAt = DateTime.utc().minus({ minutes: 3 })
  await it.hint(shown!.ticketId, 'comment_added', occurredAt)
  // Where the cursor stands already, the export does not show a ticket again.
  await it.db
    .updateTable('ticket')
    .set({ generatedAt: new Date(0) })
    .where('ticketId', 'in', [silent!.ticketId, idle!.ticketId])
    .execute()
  await it.db
    .updateTable('transcript')
    .set({ contentHash: 'sha256:another' })
    .where('ticketId', '=', silent!.ticketId)
    .execute()
  await it.hint(silent!.ticketId, 'comment_added', occurredAt)
  await it.hint(idle!.ticketId, 'comment_added', occurredAt)

  await it.sync()
  const run = (await untilRunsEnd(it.db)).find(({ kind }) => kind === 'sync')!

  t.like(run, { state: 'done', hintsConfirmed: 1, hintsFetched: 1, hintsMoot: 1 })
  t.is(unaccounted(run), 0)
  t.deepEqual(differencesFrom(it.simulator, 'acme', lastWord(await wholeFeed(it.api))), [])
})

test.serial('what was set aside is tried again by the next run, and only then', async (t) => {
  const it = await imported(t, { breakTicket: true })
  const ticketId = it.transcripts[0]!.ticketId
  const setAside = await it.db
    .selectFrom('ticket')
    .selectAll()
    .where('outcome', '=', 'quarantined')
    .execute()
  t.deepEqual(
    setAside.map((row) => row.ticketId),
    [ticketId],
  )
  t.true(setAside[0]!.retryAt! > DateTime.utc())

  await it.simulator.clearFaults()
  await it.db
    .updateTable('ticket')
    .set({ retryAt: new Date() })
    .where('retryAt', 'is not', null)
    .execute()
  await it.sync()
  await untilRunsEnd(it.db)

  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
})

test.serial('changed filters are applied to what is stored, both ways', async (t) => {
  const it = await imported(t)
  const [out, back] = it.transcripts
  await it.setFilters({ zendesk_exclude_tags: out!.tags.slice(0, 1) })
  await it.sync()
  await untilRunsEnd(it.db)
  const excludeTags = out!.tags.slice(0, 1)
  const inScope = { from: new Date(0), excludeTags }
  const expected = [...it.simulator.expectedTranscripts('acme', inScope)]

  const standing = lastWord(await wholeFeed(it.api)).map((it) => it.transcript.ticket.id)
  t.deepEqual(standing.toSorted(byNumber), expected.map((it) => it.ticketId).toSorted(byNumber))
  t.true(expected.length < it.transcripts.length)

  await it.simulator.clearRequests()
  await it.setFilters({ zendesk_exclude_tags: [] })
  await it.sync()
  await untilRunsEnd(it.db)

  t.deepEqual(differencesFrom(it.simulator, 'acme', lastWord(await wholeFeed(it.api))), [])
  const { byFamilyAndStatus: requests } = await it.simulator.counters('acme')
  t.is(requests['comments 200'], it.transcripts.length - expected.length, back!.subject)
})

test.serial('an import lets hints that take words back go first', async (t) => {
  const it = await imported(t, { tickets: 400 })
  const [first] = it.transcripts
  await it.simulator.setFault({ kind: 'slow', ms: 2_000, family: 'comments', times: null })
  await it.db.updateTable('cursor').set({ afterCursor: null, generatedAt: null }).execute()
  await it.db.updateTable('ticket').set({ fingerprint: 'other' }).execute()
  await it.db
    .updateTable('run')
    .set({ state: 'queued', startedAt: null, finishedAt: null })
    .execute()
  await until(async () => {
    const run = await it.db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
    return run.state === 'running'
  })

  await it.mutate({ kind: 'delete', ticketId: first!.ticketId })
  await it.hint(first!.ticketId, 'soft_deleted')
  // Which of the two looks was the first to see it is for chance to say.
  await until(async () => {
    const { outcome } = await it.db.selectFrom('hint').select('outcome').executeTakeFirstOrThrow()
    return outcome !== null
  })

  const importing = await it.db
    .selectFrom('run')
    .selectAll()
    .where('kind', '=', 'backfill')
    .execute()
  t.is(importing[0]?.finishedAt, null)
  t.deepEqual(await toldOf(it.db, first!.ticketId), ['published 1', 'retracted 2'])
})

test.serial('what takes words back does not wait for the imports of other accounts', async (t) => {
  const it = await imported(t, { environment: { WORKER_CONCURRENCY: '1' } })
  const [first] = it.transcripts
  await it.simulator.addAccount({ subdomain: 'slow', tickets: 60, days: 80 })
  const hang = { kind: 'hang', subdomain: 'slow', family: 'comments', times: null } as const
  await it.simulator.setFault(hang)
  await it.simulator.setFault({ ...hang, path: 'ticket_events', family: 'incremental' })
  const slow = await it.connect('slow', 'w2')
  const stateOf = async (integrationId: string) =>
    (
      await it.db
        .selectFrom('run')
        .select('state')
        .where('integrationId', '=', integrationId)
        .executeTakeFirstOrThrow()
    ).state
  await until(async () => (await stateOf(slow)) === 'running')

  await it.mutate({ kind: 'delete', ticketId: first!.ticketId })
  await it.hint(first!.ticketId, 'soft_deleted')
  await it.untilHints({ fetched: 1 })

  t.is(await stateOf(slow), 'running')
  t.deepEqual(await toldOf(it.db, first!.ticketId), ['published 1', 'retracted 2'])
})

const byNumber = (a: number, b: number): number => a - b

/** An account whose import is done, and a worker that waits for more to do. */
async function imported(
  t: ExecutionContext,
  options: {
    breakTicket?: boolean
    tickets?: number
    environment?: Record<string, string>
  } = {},
) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: options.tickets ?? 60,
        days: 80,
        shape: { bigTickets: 0, deletedShare: 0, messagingShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const transcripts: ExpectedTranscript[] = [
    ...simulator.expectedTranscripts('acme', { from: new Date(0) }),
  ]
  const door = await startFrontDoor(t, simulator, options.environment)
  if (options.breakTicket === true) {
    const ticketId = transcripts[0]!.ticketId
    const broken = { kind: 'status', status: 403, family: 'comments', times: null } as const
    await simulator.setFault({ ...broken, ticketId })
  }
  const integrationId = IntegrationId.parse(await door.connect('acme'))
  if (options.breakTicket === true) await readTicketByTicket(door.db)
  startWorker(t, door.config)
  await untilRunsEnd(door.db)
  // They are due one after the other.
  let sent = 0
  const hint = async (
    ticketId: number,
    type: string,
    occurredAt = DateTime.utc(),
    db: Kysely<Database> = door.db,
  ) => {
    const eventId = randomUUID()
    sent += 1
    await saveHints(db, [
      { integrationId, eventId, ticketId: TicketId.parse(ticketId), type, occurredAt },
    ])
    await db
      .updateTable('hint')
      .set({ dueAt: new Date(Date.now() - 60_000 + sent) })
      .where('eventId', '=', eventId)
      .execute()
  }
  return {
    ...door,
    simulator,
    transcripts,
    hint,
    mutate: (mutation: Mutation) => simulator.mutate('acme', mutation),
    /** Waits until so many hints have ended in each way. */
    untilHints: (counts: Readonly<Record<string, number>>) =>
      until(async () => {
        const rows = await door.db.selectFrom('hint').select('outcome').execute()
        const ended = (outcome: string) => rows.filter((row) => row.outcome === outcome).length
        return Object.entries(counts).every(([outcome, count]) => ended(outcome) === count)
      }),
    sync: () =>
      door.db
        .insertInto('run')
        .values({ integrationId, kind: 'sync', windowFrom: new Date() })
        .execute(),
    setFilters: async (filters: object) => {
      const answer = await fetch(`${door.api.baseUrl}/admin/workspaces/w1`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${door.api.adminToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(filters),
      })
      if (!answer.ok) throw new Error(`the filters were answered with ${answer.status}`)
    },
  }
}
