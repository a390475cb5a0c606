import {
  CamelCasePlugin,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
} from 'kysely'
import { DateTime } from 'luxon'
import { Pool, types } from 'pg'
import type { Database } from './schema.ts'

/** A `bigint` as a number. Zendesk's ids stay far below 2^53; one that does not must never be rounded silently. */
function parseBigint(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond 2^53`)
  return value
}

function parseBigintArray(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(parseBigint)
}

/** `2026-01-02 03:04:05.678+00`, as the server prints it with TimeZone=UTC. */
function parseTimestamp(text: string): DateTime {
  return DateTime.fromSQL(text, { zone: 'utc' })
}

const parsers = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, parseBigint],
  [1016, parseBigintArray],
  [types.builtins.TIMESTAMPTZ, parseTimestamp],
])

/** What the columns of our tables are when they are read. */
export const ownTypes = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    parsers.get(oid) ?? types.getTypeParser(oid, format),
}

export interface ConnectOptions {
  readonly maxConnections?: number
  readonly applicationName?: string
  /** A statement, or a connection, that takes longer than this fails. */
  readonly answerTimeoutMs?: number
}

/** Opens a pool. The parsers belong to this pool alone: pg-boss keeps its own connections and types. */
export function connect(url: string, options: ConnectOptions = {}): Kysely<Database> {
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? 'hearflow-zendesk',
    options: '-c TimeZone=UTC -c DateStyle=ISO',
    connectionTimeoutMillis: options.answerTimeoutMs ?? 10_000,
    ...(options.answerTimeoutMs !== undefined && { query_timeout: options.answerTimeoutMs }),
    types: ownTypes,
  })
  outliveConnections(pool)
  return new Kysely<Database>({
    dialect: new PostgresDialect({
      pool: options.answerTimeoutMs === undefined ? pool : dropUnanswered(pool),
    }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

/** Closes a connection whose answer did not come, for the next statement would wait behind that one. */
function dropUnanswered(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      let isUnanswered = false
      const query = async (text: string, parameters: readonly unknown[]) => {
        try {
          return await client.query(text, [...parameters])
        } catch (error) {
          if (error instanceof Error && error.message === 'Query read timeout') isUnanswered = true
          throw error
        }
      }
      return {
        // Cursors, the other form of a query, are never used.
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy === true || isUnanswered),
      }
    },
  }
}

/** A connection that the server ends must not end the process. */
export function outliveConnections(pool: Pool): void {
  // One that is idle is forgotten: the pool opens another one.
  pool.on('error', () => {})
  // Of one that is in use, without a query under way, the next query fails and tells.
  pool.on('connect', (client) => client.on('error', () => {}))
}
