import { type Kysely, type Transaction, expressionBuilder, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { WorkspaceId } from '../ids.ts'
import { type Entry, type EntryRow, type NewEntry, toEntry } from './entry.ts'

/**
 * The outbox: what was published, in the order in which readers get it. A reader keeps the sequence
 * number that it has come to and asks for what lies beyond. It never skips an entry, because numbers
 * become visible in the order in which they are given:
 *
 * - A number is given by raising `feed.last_sequence` of the workspace. The row stays locked until
 *   the transaction ends, so a second transaction gets its numbers only when the first has ended.
 * - Postgres takes a transaction out of the list of running ones before it lets go of its locks. So
 *   when the second one gets its numbers, every later snapshot shows the first one's entries, and so
 *   does every snapshot that shows the second one's.
 * - A rollback takes the raised number back with it: the next transaction gives the same number, and
 *   there is neither a gap nor a number that comes late.
 *
 * Hence whoever sees number n sees all of 1 to n that are not pruned. The price is that the commits of
 * one workspace queue up from `appendEntries` on, so it is the last write of its transaction. The only
 * locks that follow are the shares that foreign keys take: it is part of no deadlock, unless a
 * transaction appends while it holds the row of the workspace `for update`. None does.
 */

/** Appends in the given order. Nothing else may be written after it in the same transaction. */
export async function appendEntries(
  trx: Transaction<Database>,
  workspaceId: WorkspaceId,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const reasons = entries.map((entry) => ('reason' in entry ? entry.reason : null))
  const hashes = entries.map((entry) => ('contentHash' in entry ? entry.contentHash : null))
  await sql`
    with numbered as (
      insert into feed (workspace_id, last_sequence) values (${workspaceId}, ${entries.length})
      on conflict (workspace_id)
        do update set last_sequence = feed.last_sequence + excluded.last_sequence
      returning last_sequence - ${entries.length} as before
    )
    insert into outbox_entry (workspace_id, sequence, id, type, reason, integration_id, ticket_id,
      revision, content_hash, published_at)
    select ${workspaceId}, numbered.before + entry.place,
      'pub_' || replace(gen_random_uuid()::text, '-', ''), entry.type, entry.reason,
      entry.integration_id, entry.ticket_id, entry.revision, entry.content_hash, clock_timestamp()
    from numbered, unnest(
      ${entries.map((entry) => entry.type)}::text[], ${reasons}::text[],
      ${entries.map((entry) => entry.integrationId)}::uuid[],
      ${entries.map((entry) => entry.ticketId)}::bigint[],
      ${entries.map((entry) => entry.revision)}::integer[], ${hashes}::text[]
    ) with ordinality
      as entry (type, reason, integration_id, ticket_id, revision, content_hash, place)`.execute(
    trx,
  )
}

/** The number of the newest entry, 0 if there is none. */
export async function readFeedEnd(db: Kysely<Database>, workspaceId: WorkspaceId): Promise<number> {
  const row = await db
    .selectFrom('feed')
    .select('lastSequence')
    .where('workspaceId', '=', workspaceId)
    .executeTakeFirst()
  return row?.lastSequence ?? 0
}

/** The same of several workspaces. */
export async function readFeedEnds(
  db: Kysely<Database>,
  workspaceIds: readonly WorkspaceId[],
): Promise<ReadonlyMap<WorkspaceId, number>> {
  const rows = await db
    .selectFrom('feed')
    .select(['workspaceId', 'lastSequence'])
    .where('workspaceId', '=', sql<string>`any(${workspaceIds}::text[])`)
    .execute()
  return new Map(rows.map((row) => [WorkspaceId.parse(row.workspaceId), row.lastSequence]))
}

export interface FeedPage {
  readonly entries: readonly Entry[]
  /** The number that this page reaches: what to read after next. */
  readonly position: number
  readonly hasMore: boolean
  /** Entries up to this number are pruned. Where it lies beyond `after`, some of them are missing. */
  readonly prunedThrough: number
}

/** Bounds the memory of a page: stored text beyond it, compressed, goes to the next page. */
const PAGE_BYTES = 1024 * 1024

/**
 * The entries after a number, at most `limit`, fewer if they are large, at least one if there is one.
 * One statement reads them and how far the feed is pruned: a page is never short of an entry that was
 * pruned while it was read.
 */
export async function readFeed(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  after: number,
  limit: number,
): Promise<FeedPage> {
  const bytesBefore = sql<number>`coalesce(sum(pg_column_size(revision.turns)) over (
    order by entry.sequence rows between unbounded preceding and 1 preceding), 0)`
  // Numbers have no gaps, so a range of numbers bounds the work whatever the planner believes.
  const page = selectEntries(db)
    .select(bytesBefore.as('bytesBefore'))
    .where('entry.workspaceId', '=', workspaceId)
    .where('entry.sequence', '>', after)
    .where('entry.sequence', '<=', after + limit)
    .as('page')
  const rows = await db
    .selectFrom('feed')
    .leftJoin(page, (join) => join.on('page.bytesBefore', '<', PAGE_BYTES))
    .selectAll('page')
    .select(['feed.lastSequence', 'feed.prunedThrough'])
    .where('feed.workspaceId', '=', workspaceId)
    .orderBy('page.sequence')
    .execute()
  const found = rows.filter(isEntry)
  const { lastSequence: end, prunedThrough } = rows[0] ?? { lastSequence: 0, prunedThrough: 0 }
  const position = found.at(-1)?.sequence ?? Math.max(after, Math.min(prunedThrough, end))
  return { entries: found.map(toEntry), position, hasMore: position < end, prunedThrough }
}

/** A feed without an entry in the range is one row without an entry. */
function isEntry<Row extends { readonly sequence: number | null }>(
  row: Row,
): row is Row & EntryRow {
  return row.sequence !== null
}

/** The entries with these numbers. */
export async function readEntries(
  db: Kysely<Database>,
  places: readonly { readonly workspaceId: WorkspaceId; readonly sequence: number }[],
): Promise<Entry[]> {
  const rows = await selectEntries(db)
    .where(
      sql<boolean>`(entry.workspace_id, entry.sequence) in (select * from unnest(
        ${places.map((place) => place.workspaceId)}::text[],
        ${places.map((place) => place.sequence)}::bigint[]))`,
    )
    .execute()
  return rows.map(toEntry)
}

/** As it goes out; the connection reckons in UTC. */
const publishedAt = sql<string>`to_char(entry.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

/** A publication stays as it was told, whichever integration goes on with its transcript. */
const publishedBy = sql<string>`coalesce(entry.published_under, entry.integration_id)`

function selectEntries(db: Kysely<Database>) {
  // Asked row by row: a join lets the planner read the whole table for a page of one integration.
  const subdomain = expressionBuilder<Database & { entry: Database['outboxEntry'] }, 'entry'>()
    .selectFrom('integration')
    .select('integration.subdomain')
    .whereRef('integration.id', '=', 'entry.integrationId')
    .$asScalar()
    .$notNull()
  return db
    .selectFrom('outboxEntry as entry')
    .leftJoin('transcriptRevision as revision', (join) =>
      join
        .onRef('revision.integrationId', '=', 'entry.integrationId')
        .onRef('revision.ticketId', '=', 'entry.ticketId')
        .onRef('revision.revision', '=', 'entry.revision'),
    )
    .select([
      'entry.id',
      'entry.workspaceId',
      'entry.sequence',
      'entry.type',
      'entry.reason',
      publishedBy.as('integrationId'),
      'entry.ticketId',
      'entry.revision',
      'entry.contentHash',
      publishedAt.as('publishedAt'),
      subdomain.as('subdomain'),
      'revision.ticket',
      'revision.turns',
    ])
}
