import { type Kysely, sql } from 'kysely'
import type { Database, TallyTable } from '../../../db/schema.ts'

/** Requests sent to Zendesk by all workers, over all time. */
export interface SentRequests {
  readonly family: string
  readonly status: number
  readonly requests: number
}

/** A few rows an integration are summed up; they are counted where requests are sent. */
export async function sumRequests(db: Kysely<Database>): Promise<SentRequests[]> {
  const { rows } = await sql<SentRequests>`
    select family, status, sum(requests)::bigint as requests from request_count
    group by family, status order by family, status`.execute(db)
  return rows
}

/** Numbers are given without a gap, so that the last one of each workspace is a count. */
export async function sumPublications(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ publications: number }>`
    select coalesce(sum(last_sequence), 0)::bigint as publications from feed`.execute(db)
  return rows[0]?.publications ?? 0
}

/** One bucket of a latency: what was observed above the bound of the one before, up to its own. */
export interface Bucket {
  readonly name: string
  readonly le: number
  readonly observed: number
  readonly seconds: number
}

export async function readLatencies(db: Kysely<Database>): Promise<Bucket[]> {
  return db
    .selectFrom('latency')
    .select(['name', 'le', 'observed', 'seconds'])
    .orderBy('name')
    .orderBy('le')
    .execute()
}

/** How many runs have ended, and what became of deliveries, since the service has been there. */
export interface Ended {
  readonly what: TallyTable['what']
  readonly outcome: TallyTable['outcome']
  readonly counted: number
}

export async function sumTally(db: Kysely<Database>): Promise<Ended[]> {
  const { rows } = await sql<Ended>`
    select what, outcome, sum(counted)::bigint as counted from tally
    group by what, outcome order by what, outcome`.execute(db)
  return rows
}
