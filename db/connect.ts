import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
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
}

/** Opens a pool. The parsers belong to this pool alone: pg-boss keeps its own connections and types. */
export function connect(url: string, options: ConnectOptions = {}): Kysely<Database> {
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? 'hearflow-zendesk',
    options: '-c TimeZone=UTC -c DateStyle=ISO',
    connectionTimeoutMillis: 10_000,
    types: ownTypes,
  })
  outliveConnections(pool)
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

/** A connection that the server ends must not end the process. */
export function outliveConnections(pool: Pool): void {
  // One that is idle is forgotten: the pool opens another one.
  pool.on('error', () => {})
  // Of one that is in use, without a query under way, the next query fails and tells.
  pool.on('connect', (client) => client.on('error', () => {}))
}
