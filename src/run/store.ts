import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { CursorStream, Database, RunKind, RunState, RunTable } from '../../db/schema.ts'
import { IntegrationId, RunId } from '../ids.ts'
import type { HintOutcomes, Ledger } from './ledger.ts'
import type { Drift } from './plan-store.ts'
import { type RunPlan, planOf } from './plan.ts'
import { Pace, type Sample } from './progress/pace.ts'
import { Waits, endWait } from './progress/waits.ts'

export interface Run {
  readonly id: RunId
  readonly integrationId: IntegrationId
  readonly kind: RunKind
  /** Which place in the export it reads on from. */
  readonly stream: CursorStream
  readonly slot: DateTime | null
  readonly state: RunState
  readonly windowFrom: DateTime
  readonly waitReason: string | null
  readonly createdAt: DateTime
  readonly startedAt: DateTime | null
  readonly finishedAt: DateTime | null
  readonly attempts: number
  readonly waitedSeconds: number
  readonly pages: number
  /** How far along the stream its settled tickets are. */
  readonly reachedAt: DateTime | null
  /** Milliseconds of the stream that are settled beyond that, read from the end of the window. */
  readonly aheadMs: number
  readonly ledger: Ledger
  /** The first few of those that the ledger does not account for. */
  readonly unaccounted: readonly number[]
  /** How the hints ended that it has settled. */
  readonly hints: HintOutcomes
  readonly requests: Readonly<Record<string, number>>
  /** Worked on it, without what it was held back for. */
  readonly runningMs: number
  readonly waits: Waits
  readonly pace: readonly Sample[]
  /** How it reads comments, and by which sums that was chosen. */
  readonly plan: RunPlan
  readonly drift: Drift
  readonly error: { readonly code: string; readonly message: string } | null
}

export async function insertRun(
  trx: Transaction<Database>,
  run: {
    integrationId: IntegrationId
    kind: RunKind
    windowFrom: Date
    stream?: CursorStream
    slot?: Date | null
  },
): Promise<RunId> {
  const { id } = await trx.insertInto('run').values(run).returning('id').executeTakeFirstOrThrow()
  return RunId.parse(id)
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

/** Begins a slice of the run; what it waited for since the last one is over. */
export async function markRunning(
  db: Kysely<Database>,
  { id, waits }: Run,
  now: DateTime,
): Promise<void> {
  await db
    .updateTable('run')
    .set({
      state: 'running',
      waitReason: null,
      waits: JSON.stringify(endWait(waits, now)),
      startedAt: sql<Date>`coalesce(started_at, now())`,
    })
    .where('id', '=', id)
    .execute()
}

/** Of a run that is asked for by its id, and not in the index of those that are unfinished. */
export const isUnfinished = sql<boolean>`case when finished_at is null then true end`

export async function finishRun(trx: Transaction<Database>, id: RunId): Promise<void> {
  await trx
    .updateTable('run')
    .set({ state: 'done', waitReason: null, finishedAt: sql<Date>`now()` })
    .where('id', '=', id)
    .where(isUnfinished)
    .execute()
}

export async function failRun(
  db: Kysely<Database>,
  id: RunId,
  error: { code: string; message: string },
): Promise<void> {
  await db
    .updateTable('run')
    .set(asFailed(error))
    .where('id', '=', id)
    .where(isUnfinished)
    .execute()
}

/** How a run ends that does not come to its own end. */
export function asFailed({ code, message }: { readonly code: string; readonly message: string }) {
  return {
    state: 'failed' as const,
    waitReason: null,
    finishedAt: sql<Date>`now()`,
    errorCode: code,
    errorMessage: message,
  }
}

/** Puts a run off: a failure counts an attempt, waiting only the time that it takes. */
export async function postponeRun(
  db: Kysely<Database>,
  id: RunId,
  until: { resumeAt: Date; reason: string; failed: boolean; waits?: Waits },
): Promise<void> {
  await db
    .updateTable('run')
    .set((eb) => ({
      state: 'waiting',
      resumeAt: until.resumeAt,
      waitReason: until.reason,
      ...(until.waits && { waits: JSON.stringify(until.waits) }),
      attempts: until.failed ? eb('attempts', '+', 1) : eb.ref('attempts'),
      waitedSeconds: until.failed
        ? eb.ref('waitedSeconds')
        : sql<number>`waited_seconds + greatest(0, ceil(extract(epoch from
            ${until.resumeAt}::timestamptz - now())))::integer`,
    }))
    .where('id', '=', id)
    .where(isUnfinished)
    .execute()
}

export function toRun(row: Selectable<RunTable>): Run {
  return {
    id: RunId.parse(row.id),
    integrationId: IntegrationId.parse(row.integrationId),
    kind: row.kind,
    stream: row.stream,
    slot: row.slot,
    state: row.state,
    windowFrom: row.windowFrom,
    waitReason: row.waitReason,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    attempts: row.attempts,
    waitedSeconds: row.waitedSeconds,
    pages: row.pages,
    reachedAt: row.reachedAt,
    aheadMs: row.aheadMs,
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
    unaccounted: row.unaccounted,
    hints: { confirmed: row.hintsConfirmed, fetched: row.hintsFetched, moot: row.hintsMoot },
    requests: row.requests as Record<string, number>,
    runningMs: row.runningMs,
    waits: Waits.parse(row.waits),
    pace: Pace.parse(row.pace),
    plan: planOf(row.plan, row.kind),
    drift: { sampled: row.driftSampled, found: row.driftFound },
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
  }
}
