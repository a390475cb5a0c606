import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type { CursorStream, Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'

/** Where the export of an account is read next. */
export interface Cursor {
  readonly startAt: DateTime
  readonly afterCursor: string | null
  readonly generatedAt: DateTime | null
  readonly pageSize: number
  readonly endReachedAt: DateTime | null
  /** A place that was left behind: an answer that leads back there leads in a circle. */
  readonly landmark: string | null
}

/** Nothing was left behind yet. */
export const atStart = { afterCursor: null, moves: 0, landmark: null }

/** Zendesk's largest page of an incremental export. */
export const LARGEST_PAGE = 1000

/** Puts the cursor of a new integration at the start of its window; one that exists stays. */
export async function startCursor(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  startAt: Date,
): Promise<void> {
  await trx
    .insertInto('cursor')
    .values({ integrationId, stream: 'tickets', startAt, pageSize: LARGEST_PAGE })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function readCursor(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  stream: CursorStream = 'tickets',
): Promise<Cursor | undefined> {
  return db
    .selectFrom('cursor')
    .select(['startAt', 'afterCursor', 'generatedAt', 'pageSize', 'endReachedAt', 'landmark'])
    .where('integrationId', '=', integrationId)
    .where('stream', '=', stream)
    .executeTakeFirst()
}

/**
 * Forgets a cursor that Zendesk refuses, and starts again from the newest instant seen. What stood on
 * earlier pages at that instant comes again and is recognised.
 */
export async function restartCursor(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  stream: CursorStream,
): Promise<void> {
  await trx
    .updateTable('cursor')
    .set({
      ...atStart,
      startAt: sql<Date>`coalesce(generated_at, start_at)`,
    })
    .where('integrationId', '=', integrationId)
    .where('stream', '=', stream)
    .execute()
}

/** Goes on from an instant: what lies before it is settled. */
export async function skipTo(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  startAt: Date,
): Promise<void> {
  await trx
    .updateTable('cursor')
    .set({
      ...atStart,
      startAt,
      generatedAt: sql<Date>`greatest(generated_at, ${startAt}::timestamptz)`,
    })
    .where('integrationId', '=', integrationId)
    .where('stream', '=', 'tickets')
    .execute()
}

/** What Zendesk took too long over is not asked for again, whatever becomes of this page. */
export async function shrinkPage(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  { stream, pageSize }: { stream: CursorStream; pageSize: number },
): Promise<void> {
  await db
    .updateTable('cursor')
    .set({ pageSize })
    .where('integrationId', '=', integrationId)
    .where('stream', '=', stream)
    .execute()
}

/**
 * Moves on by one page, in the transaction that stores the last tickets of that page. The landmark is
 * set behind the first page, the second, the fourth and so on: however many cursors a circle has, one
 * of them is the landmark before it was gone round three times.
 */
export async function moveCursor(
  trx: Transaction<Database>,
  integrationId: IntegrationId,
  page: {
    stream: CursorStream
    afterCursor: string | null
    generatedAt: Date | null
    endOfStream: boolean
    pageSize: number
  },
): Promise<void> {
  await trx
    .updateTable('cursor')
    .set({
      afterCursor: sql<string | null>`coalesce(${page.afterCursor}::text, after_cursor)`,
      moves: page.endOfStream ? 0 : sql<number>`moves + 1`,
      landmark: page.endOfStream
        ? null
        : sql<string | null>`case when (moves + 1) & moves = 0 then ${page.afterCursor}::text
            else landmark end`,
      generatedAt: sql<Date | null>`greatest(generated_at, ${page.generatedAt}::timestamptz)`,
      endReachedAt: page.endOfStream ? sql<Date>`now()` : null,
      pageSize: page.pageSize,
    })
    .where('integrationId', '=', integrationId)
    .where('stream', '=', page.stream)
    .execute()
}
