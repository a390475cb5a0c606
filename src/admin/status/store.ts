import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database, IntegrationStatus } from '../../../db/schema.ts'
import type { IntegrationErrorCode } from '../../platform/errors.ts'
import type {
  Concerned,
  Errored,
  QueueFacts,
  RunFacts,
  Some,
  Waiting,
  WebhookFacts,
} from './facts.ts'

/**
 * What the rows say of the whole service, without counting a large table: what is unfinished has a
 * partial index, which is read in its own order and only so far. The order is what makes the planner
 * take that index, whatever it believes of how many rows are unfinished.
 */

/** Counted exactly; what is beyond is "more". A few milliseconds of an index. */
export const MOST_COUNTED = 10_000

/** So many ids say where to begin. */
const FEW = 5

export async function readClock(
  db: Kysely<Database>,
): Promise<{ now: DateTime; sizeBytes: number }> {
  return one(
    await sql<{ now: DateTime; sizeBytes: number }>`
      select now() as now, pg_database_size(current_database()) as "sizeBytes"`.execute(db),
  )
}

/**
 * How many workers live, as the queue keeps book of them: each tells every half minute that it does.
 * Only a worker maintains the queue.
 */
export async function countWorkers(db: Kysely<Database>): Promise<number> {
  const row = one(
    await sql<{ workers: number }>`
      select count(*) as workers from pgboss.instance
      where supervise and stopped_on is null
        and heartbeat_on >= now() - heartbeat_seconds * 3 * interval '1 second'`.execute(db),
  )
  return row.workers
}

/** The wake-ups that wait, are under way and have come to nothing. */
export async function readQueues(db: Kysely<Database>): Promise<QueueFacts[]> {
  const { rows } = await sql<{
    name: string
    ready: number
    active: number
    failed: number
    oldestAt: DateTime | null
  }>`
    select queue.name, ready.count as ready, active.count as active, failed.count as failed,
      ready.oldest as "oldestAt"
    from pgboss.queue
    cross join lateral (
      select count(*) as count, min(start_after) as oldest from (
        select start_after from pgboss.job
        where name = queue.name and state = 'created' and start_after <= now()
        order by name, state, blocked, start_after limit ${MOST_COUNTED + 1}) job) ready
    ${jobsIn('active')} ${jobsIn('failed')}
    where queue.name not like '\\_\\_pgboss\\_\\_%'
    order by queue.name`.execute(db)
  return rows.map(({ name, ready, active, failed, oldestAt }) => ({
    name,
    ready: some(ready),
    active: some(active),
    failed: some(failed),
    oldestAt,
  }))
}

function jobsIn(state: 'active' | 'failed'): RawBuilder<unknown> {
  return sql`cross join lateral (
    select count(*) as count from (
      select from pgboss.job where name = queue.name and state = ${sql.lit(state)}
      order by name, state, blocked, start_after limit ${MOST_COUNTED + 1}) job) ${sql.ref(state)}`
}

export async function countIntegrations(
  db: Kysely<Database>,
): Promise<Record<IntegrationStatus, number>> {
  const { rows } = await sql<{ status: IntegrationStatus; count: number }>`
    select status, count(*) as count from integration group by status`.execute(db)
  const zero = { pending: 0, active: 0, paused: 0, errored: 0, disconnected: 0 }
  return { ...zero, ...Object.fromEntries(rows.map(({ status, count }) => [status, count])) }
}

export async function readErrored(db: Kysely<Database>): Promise<Errored[]> {
  const { rows } = await sql<{ code: IntegrationErrorCode; count: number; ids: string[] }>`
    select error_code as code, count(*) as count,
      (array_agg(id::text order by status_since, id))[1:${sql.lit(FEW)}] as ids
    from integration where status = 'errored'
    group by error_code order by count desc, code`.execute(db)
  return rows
}

/** An integration has a few unfinished runs at most. */
export async function readRuns(db: Kysely<Database>): Promise<RunFacts> {
  const { queued, running, waiting, retrying, counted } = one(
    await sql<{
      queued: number
      running: number
      waiting: number
      retrying: number
      counted: number
    }>`
      select count(*) filter (where state = 'queued') as queued,
        count(*) filter (where state = 'running') as running,
        count(*) filter (where state = 'waiting') as waiting,
        count(*) filter (where state = 'waiting' and attempts > 0) as retrying,
        count(*) as counted
      from (
        select state, attempts from run where finished_at is null
        order by integration_id, created_at limit ${2 * MOST_COUNTED + 1}) unfinished`.execute(db),
  )
  const isMore = counted > 2 * MOST_COUNTED
  return { unfinished: { queued, running, waiting }, isMore, retrying }
}

export async function readFailedRuns(db: Kysely<Database>): Promise<Concerned> {
  return concerned(
    await sql<CountedIds>`
      select count(*) as count, ${firstIds} as ids
      from (
        select run.integration_id, run.finished_at as at from run
        where run.state = 'failed' and run.finished_at > now() - interval '1 day'
        order by run.state, run.finished_at limit ${MOST_COUNTED + 1}) found
      join integration on integration.id = found.integration_id
        and integration.status = 'active'`.execute(db),
  )
}

/** What takes words back is looked at within seconds of its hint; half an hour is far beyond that. */
export async function readLateHints(db: Kysely<Database>): Promise<Concerned> {
  return concerned(
    await sql<CountedIds>`
      select count(*) as count, ${firstIds} as ids
      from (
        select integration_id, due_at as at from hint
        where outcome is null and class = 'privacy' and due_at < now() - interval '30 minutes'
        order by due_at limit ${MOST_COUNTED + 1}) found
      join integration on integration.id = found.integration_id
        and integration.status = 'active'`.execute(db),
  )
}

export async function readPendingHints(db: Kysely<Database>): Promise<Waiting> {
  const { count, oldestAt } = one(
    await sql<{ count: number; oldestAt: DateTime | null }>`
      select count(*) as count, min(received_at) as "oldestAt" from (
        select received_at from hint where num_nulls(settled_at, outcome) = 2
        order by received_at limit ${MOST_COUNTED + 1}) waiting`.execute(db),
  )
  return { ...some(count), oldestAt }
}

export async function countQuarantined(db: Kysely<Database>): Promise<Some> {
  const { count } = one(
    await sql<{ count: number }>`
      select count(*) as count from (
        select from ticket where retry_at is not null
        order by integration_id, retry_at limit ${MOST_COUNTED + 1}) waiting`.execute(db),
  )
  return some(count)
}

export async function readWebhooks(db: Kysely<Database>): Promise<WebhookFacts[]> {
  const { rows } = await sql<WebhookFacts>`
    select problem, count(*) as count,
      (array_agg(integration_id::text order by integration_id))[1:${sql.lit(FEW)}] as ids
    from (
      select problem, integration_id from webhook_check where problem is not null
      order by problem, integration_id limit ${MOST_COUNTED}) unwell
    join integration on integration.id = integration_id and integration.status = 'active'
    group by problem order by count desc, problem`.execute(db)
  return rows
}

interface CountedIds {
  readonly count: number
  readonly ids: string[] | null
}

const firstIds = sql`(array_agg(distinct found.integration_id::text))[1:${sql.lit(FEW)}]`

function concerned(result: { readonly rows: readonly CountedIds[] }): Concerned {
  const { count, ids } = one(result)
  return { ...some(count), ids: ids ?? [] }
}

export function some(counted: number): Some {
  return { count: Math.min(counted, MOST_COUNTED), isMore: counted > MOST_COUNTED }
}

/** An aggregate has exactly one row. */
export function one<Row>({ rows }: { readonly rows: readonly Row[] }): Row {
  const [row] = rows
  if (row === undefined) throw new RangeError('a statement that counts gave no row')
  return row
}
