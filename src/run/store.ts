import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, RunKind, RunState, RunTable } from '../../db/schema.ts'
import { IntegrationId, RunId } from '../ids.ts'
import { type Ledger, hasNews } from './ledger.ts'

export interface Run {
  readonly id: RunId
  readonly integrationId: IntegrationId
  readonly kind: RunKind
  readonly slot: DateTime | null
  readonly state: RunState
  readonly windowFrom: DateTime
  readonly waitReason: string | null
  readonly createdAt: DateTime
  readonly startedAt: DateTime | null
  readonly finishedAt: DateTime | null
  readonly attempts: number
  readonly pages: number
  /** How far along the stream its settled tickets are. */
  readonly reachedAt: DateTime | null
  readonly ledger: Ledger
  readonly requests: Readonly<Record<string, number>>
  readonly error: { readonly code: string; readonly message: string } | null
}

export async function insertRun(
  trx: Transaction<Database>,
  run: { integrationId: IntegrationId; kind: RunKind; windowFrom: Date },
): Promise<RunId> {
  const { id } = await trx.insertInto('run').values(run).returning('id').executeTakeFirstOrThrow()
  return RunId.parse(id)
}

/** The run that this integration does next: the oldest unfinished one whose instant has come. */
export async function findDueRun(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<Run | undefined> {
  const row = await db
    .selectFrom('run')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .where('resumeAt', '<=', sql<DateTime>`now()`)
    .orderBy('createdAt')
    .limit(1)
    .executeTakeFirst()
  return row && toRun(row)
}

/** Integrations with a run whose instant has come, longest waiting first. */
export async function integrationsWithDueRuns(
  db: Kysely<Database>,
  limit: number,
): Promise<IntegrationId[]> {
  const rows = await db
    .selectFrom('run')
    .innerJoin('integration', 'integration.id', 'run.integrationId')
    .select('run.integrationId')
    .where('run.finishedAt', 'is', null)
    .where('run.resumeAt', '<=', sql<DateTime>`now()`)
    .where('integration.status', '=', 'active')
    .orderBy('run.resumeAt')
    .limit(limit)
    .execute()
  return rows.map((row) => IntegrationId.parse(row.integrationId))
}

export async function listRuns(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  page: { limit: number; before?: RunId },
): Promise<Run[]> {
  const rows = await db
    .selectFrom('run')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .$if(page.before !== undefined, (query) =>
      query.where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple('createdAt', 'id'),
          '<',
          selectFrom('run as last')
            .select(['last.createdAt', 'last.id'])
            .where('last.id', '=', page.before ?? '')
            .$asTuple('createdAt', 'id'),
        ),
      ),
    )
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
  return rows.map(toRun)
}

export async function findRun(db: Kysely<Database>, id: RunId): Promise<Run | undefined> {
  const row = await db.selectFrom('run').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRun(row)
}

export async function latestRun(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  kind?: RunKind,
): Promise<Run | undefined> {
  const row = await db
    .selectFrom('run')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? 'backfill'))
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && toRun(row)
}

export async function markRunning(db: Kysely<Database>, id: RunId): Promise<void> {
  await db
    .updateTable('run')
    .set({ state: 'running', waitReason: null, startedAt: sql<Date>`coalesce(started_at, now())` })
    .where('id', '=', id)
    .execute()
}

/** Adds what one portion did; in the transaction that stores it. */
export async function addToLedger(
  trx: Transaction<Database>,
  id: RunId,
  add: { ledger: Ledger; pages: number; reachedAt: Date | null },
): Promise<void> {
  await trx
    .updateTable('run')
    .set((eb) => ({
      pages: eb('pages', '+', add.pages),
      reachedAt: sql<Date | null>`greatest(reached_at, ${add.reachedAt}::timestamptz)`,
      ticketsSeen: eb('ticketsSeen', '+', add.ledger.seen),
      published: eb('published', '+', add.ledger.published),
      unchanged: eb('unchanged', '+', add.ledger.unchanged),
      filtered: eb('filtered', '+', add.ledger.filtered),
      noPublicComments: eb('noPublicComments', '+', add.ledger.noPublicComments),
      gone: eb('gone', '+', add.ledger.gone),
      quarantined: eb('quarantined', '+', add.ledger.quarantined),
      retracted: eb('retracted', '+', add.ledger.retracted),
      // News that were stored are progress: what failed before them counts no longer.
      attempts: hasNews(add.ledger) ? 0 : eb.ref('attempts'),
    }))
    .where('id', '=', id)
    .execute()
}

/** Requests made for a run are counted even when the portion they were made for is not stored. */
export async function addRequests(
  db: Kysely<Database>,
  id: RunId,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const entries = Object.entries(counts)
  if (entries.length === 0) return
  await db
    .updateTable('run')
    .set({
      requests: sql<string>`requests || (
        select jsonb_object_agg(key, value::bigint + coalesce((requests ->> key)::bigint, 0))
        from jsonb_each_text(${JSON.stringify(counts)}::jsonb))`,
    })
    .where('id', '=', id)
    .execute()
}

export async function finishRun(trx: Transaction<Database>, id: RunId): Promise<void> {
  await trx
    .updateTable('run')
    .set({ state: 'done', waitReason: null, finishedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where('finishedAt', 'is', null)
    .execute()
}

export async function failRun(
  db: Kysely<Database>,
  id: RunId,
  error: { code: string; message: string },
): Promise<void> {
  await db
    .updateTable('run')
    .set({
      state: 'failed',
      waitReason: null,
      finishedAt: sql<Date>`now()`,
      errorCode: error.code,
      errorMessage: error.message,
    })
    .where('id', '=', id)
    .where('finishedAt', 'is', null)
    .execute()
}

/** Puts a run off: waiting counts no attempt, a failure counts one. */
export async function postponeRun(
  db: Kysely<Database>,
  id: RunId,
  until: { resumeAt: Date; reason: string; failed: boolean },
): Promise<void> {
  await db
    .updateTable('run')
    .set((eb) => ({
      state: 'waiting',
      resumeAt: until.resumeAt,
      waitReason: until.reason,
      attempts: until.failed ? eb('attempts', '+', 1) : eb.ref('attempts'),
    }))
    .where('id', '=', id)
    .where('finishedAt', 'is', null)
    .execute()
}

function toRun(row: Selectable<RunTable>): Run {
  return {
    id: RunId.parse(row.id),
    integrationId: IntegrationId.parse(row.integrationId),
    kind: row.kind,
    slot: row.slot,
    state: row.state,
    windowFrom: row.windowFrom,
    waitReason: row.waitReason,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    attempts: row.attempts,
    pages: row.pages,
    reachedAt: row.reachedAt,
    ledger: {
      seen: row.ticketsSeen,
      published: row.published,
      unchanged: row.unchanged,
      filtered: row.filtered,
      noPublicComments: row.noPublicComments,
      gone: row.gone,
      quarantined: row.quarantined,
      retracted: row.retracted,
    },
    requests: row.requests as Record<string, number>,
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
  }
}
