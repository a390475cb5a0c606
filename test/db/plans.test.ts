import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Pool } from 'pg'
import type { Database } from '../../db/schema.ts'
import { listTicketFacts, readStoredFrom } from '../../src/admin/preview/preview-store.ts'
import { readLatencies, sumPublications, sumRequests } from '../../src/admin/metrics/store.ts'
import { lookOnce } from '../../src/admin/status/status-once.ts'
import {
  countTickets,
  readAccountBudget,
  readLastSlot,
  readQuarantine,
  readTokenTimes,
} from '../../src/admin/store.ts'
import { readWebhookState } from '../../src/admin/webhook/state-store.ts'
import {
  markReceived,
  pinAccount,
  readDeliveryTerms,
} from '../../src/credential/webhook/delivery-store.ts'
import { saveHints } from '../../src/hint/store.ts'
import { redriveOnce } from '../../src/admin/sinks/redrive-once.ts'
import { measureLatencyOnce } from '../../src/housekeeping/latency/measure-once.ts'
import { claimConsent } from '../../src/connect/store.ts'
import { resealSinksOnce } from '../../src/housekeeping/reseal-once.ts'
import {
  type IntegrationId,
  PublicationId,
  RunId,
  Subdomain,
  TicketId,
  WorkspaceId,
} from '../../src/ids.ts'
import { flagClient, listIntegrations } from '../../src/integration/store.ts'
import { listDeliveries, redriveDeliveries } from '../../src/outbox/delivery/redrive-store.ts'
import { insertReplays, listReplays, replayNext } from '../../src/outbox/delivery/replay-store.ts'
import { postponeDeliveries } from '../../src/outbox/delivery/settle-store.ts'
import { findDueSinks } from '../../src/outbox/sink/due-store.ts'
import { isCurrent, noteFailed, stopSink } from '../../src/outbox/sink/health-store.ts'
import { checkSinkKeys, pruneSecrets } from '../../src/outbox/sink/secret-store.ts'
import { deleteSink, listSinks } from '../../src/outbox/sink/store.ts'
import { endOnce } from '../../src/publish/push/end-once.ts'
import { readLiveTranscripts } from '../../src/outbox/live-store.ts'
import { readFeed, readFeedEnds } from '../../src/outbox/store.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { dueTurnOf, hasHintsRun } from '../../src/run/due/due-store.ts'
import { recentDrift } from '../../src/run/plan-store.ts'
import { latestRun, listRuns } from '../../src/run/store.ts'
import { findReadTicket } from '../../src/ticket/store.ts'
import { listWorkspaces } from '../../src/workspace/store.ts'
import { connectAccount, consent, startAccount, subdomain } from '../crash/every-commit/account.ts'
import { steps } from '../crash/every-commit/steps.ts'
import { anOutside, startWorker } from '../crash/every-commit/worker.ts'
import { testDatabase } from '../support/database.ts'
import { KEYS, aSink, readSink } from '../support/sinks.ts'
import { type Sent, hasPlan, recordingConnection } from '../support/explain.ts'
import { INTEGRATIONS, endAll, fillRows } from './filled-rows.ts'
import { type Catalogue, fullScansOf, readCatalogue, searchesOf } from './plans.ts'
import { steerToTheEnd } from './steering.ts'

/** `PLAN_TICKETS=1000000` for the real size, whose plans are the same. */
const TICKETS = Number(process.env['PLAN_TICKETS'] ?? 200_000)

/** What concerns every integration may read one row of each. */
const OF_ALL: readonly { readonly sql: RegExp; readonly tables: RegExp }[] = [
  // A slot is due for all of its plan and day, and each of their runs begins where its cursor stands.
  {
    sql: /insert into run \(integration_id, kind, slot/,
    tables: /^(integration|workspace|cursor)$/,
  },
  // Those of workspaces with prompt freshness are each asked for hints that are due.
  { sql: /select integration.id, 'hints'/, tables: /^integration$/ },
  // A client that Zendesk rejects is the one that all have consented to.
  { sql: /^update "integration" set "status"/, tables: /^(integration|credential)$/ },
  // The status page counts integrations by status, in their index of it.
  { sql: /select status, count\(\*\) as count from integration/, tables: /^integration$/ },
  // What sinks lag behind is a difference of two numbers for each of them and workspace.
  { sql: /with receiver as/, tables: /^(sink|sink_position|feed)$/ },
  // Requests are counted by integration, so that workers do not wait for each other, and then added up.
  { sql: /sum\(requests\)::bigint as requests from request_count/, tables: /^request_count$/ },
  // Which sinks are behind their feeds is asked once for all of them, by one row of each.
  { sql: /with recursive waiting/, tables: /^(sink|sink_position|feed)$/ },
]

/** What reads all of these there are, because it is about all of them. */
const ALL_PENDING: readonly { readonly sql: RegExp; readonly index: string }[] = [
  { sql: /^\s*with held as/, index: 'run_next' },
  { sql: /with recursive waiting/, index: 'sink_deleted' },
]

test('no statement of any pass or page reads a large table from its start to its end', async (t) => {
  const { pool, catalogue, statements } = await statementsOf(t, TICKETS)

  const problems = await problemsOf(pool, catalogue, statements)
  t.log(`${statements.length} statements of ${steps.length} passes`)
  t.true(statements.length > 100)
  t.true((catalogue.rows.get('ticket') ?? 0) >= TICKETS * 0.9)
  t.true((catalogue.rows.get('integration') ?? 0) >= INTEGRATIONS * 0.9)
  t.deepEqual(problems, [])
})

test('statistics of a time with nothing to do lead no statement through all there is to do', async (t) => {
  const { pool, catalogue, statements } = await statementsOf(t, TICKETS / 4, endAll)

  const problems: string[] = []
  for (const statement of statements) {
    for (const { index, filter } of await searchesOf(pool, statement, catalogue)) {
      if (ALL_PENDING.some((it) => it.index === index && it.sql.test(statement.sql))) continue
      const text = statement.sql.replaceAll(/\s+/g, ' ').slice(0, 200)
      problems.push(`${statement.pass}: ${index}, filter ${filter}: ${text}`)
    }
  }
  t.deepEqual(problems, [])
})

/** What all passes and pages send to a service with so many tickets, once each. */
async function statementsOf(
  t: ExecutionContext,
  count: number,
  prepare?: (db: Kysely<Database>) => Promise<void>,
) {
  t.timeout(15 * 60_000)
  setLogLevel('silent')
  const { url, db } = await testDatabase(t)
  const filledAt = performance.now()
  await fillRows(db, count)
  await prepare?.(db)
  t.log(`${count} tickets filled in ${Math.round((performance.now() - filledAt) / 1000)} s`)
  const { db: recorded, pool, sent } = recordingConnection(url, 20)
  t.teardown(() => recorded.destroy())
  await using account = await startAccount(t.title)
  const integrationId = await connectAccount(account, url)
  const tickets = [
    ...account.simulator.expectedTranscripts(subdomain, { from: account.windowFrom }),
  ].map(({ ticketId }) => ticketId)
  await using outside = await anOutside(t)
  const catalogue = await readCatalogue(pool)
  const statements = new Map<string, Sent & { readonly pass: string }>()
  const take = (pass: string): void => {
    for (const one of sent.splice(0)) {
      if (hasPlan(one) && !statements.has(one.sql)) statements.set(one.sql, { ...one, pass })
    }
  }

  for (const step of steps) {
    await step.before?.({ db, simulator: account.simulator, integrationId, tickets })
    const config = step.hasNewKey === true ? account.newerConfig : account.config
    if (step.tokens !== undefined) {
      await consent({ account, integrationId }, url, config)
      await step.tokens(db, integrationId)
    }
    const worker = startWorker(url, { config, integrationId, outside, db: recorded })
    await step.run(worker, db)
    await worker.leases[Symbol.asyncDispose]()
    take(step.pass)
  }
  await readPages(recorded, integrationId, tickets)
  take('pages and rare statements')
  await steerToTheEnd(recorded, {
    workspaceId: WorkspaceId.parse('w1'),
    integrationId,
    ticketId: TicketId.parse(tickets[0]),
    config: account.newerConfig,
  })
  take('steering')
  return { pool, catalogue, statements: [...statements.values()] }
}

async function problemsOf(
  pool: Pool,
  catalogue: Catalogue,
  statements: readonly (Sent & { readonly pass: string })[],
): Promise<string[]> {
  const problems: string[] = []
  for (const statement of statements) {
    for (const { table, node, rows } of await fullScansOf(pool, statement, catalogue)) {
      const isOfAll = OF_ALL.some(
        ({ sql, tables }) => sql.test(statement.sql) && tables.test(table),
      )
      if (isOfAll) continue
      const text = statement.sql.replaceAll(/\s+/g, ' ').slice(0, 200)
      problems.push(`${statement.pass}: ${node} on ${table} (${Math.round(rows)} rows): ${text}`)
    }
  }
  return problems
}

/** What people and readers of the feed ask for, and what a life without trouble does not need. */
async function readPages(
  db: Kysely<Database>,
  id: IntegrationId,
  tickets: readonly number[],
): Promise<void> {
  const workspaceId = WorkspaceId.parse('w1')
  const ticketId = TicketId.parse(tickets[0])
  await lookOnce({ db, sinks: ['http', 'file:feed'] })
  await sumRequests(db)
  await sumPublications(db)
  await readLatencies(db)
  await measureLatencies(db)
  await listIntegrations(db, { limit: 100 })
  await listIntegrations(db, { limit: 100, after: id, status: 'errored' })
  await listWorkspaces(db, { limit: 100 })
  const [run] = await listRuns(db, id, { limit: 20 })
  await listRuns(db, id, { limit: 20, before: RunId.parse(run?.id) })
  await latestRun(db, id, 'sync')
  await countTickets(db, id)
  await readQuarantine(db, id)
  await readTokenTimes(db, id)
  await readAccountBudget(db, Subdomain.parse('acme'))
  await readLastSlot(db, id)
  await readWebhookState(db, id)
  await listTicketFacts(db, id, { after: 0, limit: 1_000 })
  await readStoredFrom(db, id)
  await readLiveTranscripts(db, workspaceId, { after: undefined, limit: 100 })
  await readLiveTranscripts(db, workspaceId, { after: { integrationId: id, ticketId }, limit: 100 })
  await readFeed(db, workspaceId, 0, 1_000)
  await readFeedEnds(db, [workspaceId])
  await dueTurnOf(db, id)
  await hasHintsRun(db, id)
  await findReadTicket(db, id, ticketId)
  await claimConsent(db, 'nobody knows this one')
  await receiveWebhook(db, id, ticketId)
  await recentDrift(db, id, { count: 20, since: DateTime.fromMillis(0).toJSDate() })
  await flagClient(db, id, { code: 'client_rejected', message: 'rejected' })
  await readSinks(db, workspaceId)
}

async function receiveWebhook(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  ticketId: TicketId,
): Promise<void> {
  const [other] = await listIntegrations(db, { limit: 1 })
  const ids = other === undefined ? [integrationId] : [integrationId, other.id]
  await readDeliveryTerms(db, [], ids)
  await pinAccount(db, integrationId, 1)
  await markReceived(db, ids)
  const occurredAt = DateTime.fromMillis(0)
  await saveHints(
    db,
    ['a', 'b'].map((eventId) => ({
      integrationId,
      eventId,
      ticketId,
      type: 'created',
      occurredAt,
    })),
  )
}
/** What a life with receivers that fail, stop, are replayed to and are deleted asks for. */
async function readSinks(db: Kysely<Database>, workspaceId: WorkspaceId): Promise<void> {
  const name = await aSink(db, workspaceId, { id: 'plan' })
  const sink = await readSink(db, name)
  await listSinks(db, workspaceId, { limit: 50 })
  await findDueSinks(db, { except: [], limit: 10 })
  await listReplays(db, [name])
  await checkSinkKeys(db, KEYS).catch(() => {})
  await resealSinksOnce({ db, keys: [{ id: 'newest', key: Buffer.alloc(32) }, ...KEYS] }, never)
  await pruneSecrets(db)
  const claim = { workspaceId, sequence: 1, attempts: 1, attemptsBefore: 0, replayed: false }
  const attempt = { attempt: 1, at: '2026-01-01T00:00:00Z', ms: 1, outcome: 'later' }
  await db.transaction().execute(async (trx) => {
    const postponed = { claim, outcome: 'later', delayMs: 1_000, attempt }
    await postponeDeliveries(trx, sink, [postponed])
    await insertReplays(trx, [name], { workspaceId, after: 0, ticketIds: undefined })
    await insertReplays(trx, [name], { workspaceId, after: 0, ticketIds: [TicketId.parse(1)] })
    while ((await replayNext(trx, { ...sink, allRevisions: true }, 1_000)) !== undefined);
  })
  const { id, sequence } = await db
    .selectFrom('outboxEntry')
    .select(['id', 'sequence'])
    .where('workspaceId', '=', workspaceId)
    .orderBy('sequence', 'desc')
    .executeTakeFirstOrThrow()
  await redriveOnce(db, PublicationId.parse(id)).catch(() => {})
  const place = { workspaceId, sequence, type: 'transcript.published' } as const
  await listDeliveries(db, place)
  await db.transaction().execute((trx) => redriveDeliveries(trx, place, [name]))
  await isCurrent(db, sink)
  await noteFailed(db, sink, 'later')
  await stopSink(db, sink, 'gone')
  await endOnce(db, name, never)
  await db.transaction().execute((trx) => deleteSink(trx, name))
  await endOnce(db, name, never)
}

/** As every half minute: what has ended since is a small part of what there is. */
async function measureLatencies(db: Kysely<Database>): Promise<void> {
  const measuredThrough = new Date(Date.now() - 600_000)
  const names = ['hint_to_publication', 'slot_to_done']
  await db
    .insertInto('latencyProgress')
    .values(names.map((name) => ({ name, measuredThrough })))
    .execute()
  await measureLatencyOnce(db, never)
}

const never = new AbortController().signal
