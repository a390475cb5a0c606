import {
  CamelCasePlugin,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
} from 'kysely'
import { DateTime } from 'luxon'
import { Pool, type PoolClient, types } from 'pg'
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
  /** Once it aborts, a statement that gets no answer for a while is given up, and no other one is begun. */
  readonly stop?: AbortSignal
}

/**
 * The server finds out within half a minute that the machine at the other end is gone, and drops what
 * the session holds: its locks, and the rows that an unfinished transaction has locked. Left to the
 * system it would take two hours. The last setting is for answers that nobody has acknowledged.
 */
export const FORGET_THE_DEAD =
  '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 ' +
  '-c tcp_user_timeout=25000'

/** Opens a pool. The parsers belong to this pool alone: pg-boss keeps its own connections and types. */
export function connect(url: string, options: ConnectOptions = {}): Kysely<Database> {
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? 'hearflow-zendesk',
    options: `-c TimeZone=UTC -c DateStyle=ISO ${FORGET_THE_DEAD}`,
    connectionTimeoutMillis: options.answerTimeoutMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(options.answerTimeoutMs !== undefined && { query_timeout: options.answerTimeoutMs }),
    types: ownTypes,
  })
  outliveConnections(pool)
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: bounded(pool, options) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

function bounded(pool: Pool, { answerTimeoutMs, stop }: ConnectOptions): PostgresPool {
  if (answerTimeoutMs !== undefined) return dropUnanswered(pool)
  return stop === undefined ? pool : giveUpWhenStopped(pool, stop)
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

/** While the process stops, a statement may take this long. None that is worth waiting for does. */
const LAST_ANSWER_MS = 5_000

/**
 * A database that has gone silent must not keep a process from stopping: what is not answered in time
 * fails with its connection, and what would be asked after that fails at once.
 */
function giveUpWhenStopped(pool: Pool, stop: AbortSignal): PostgresPool {
  const asked = new Map<PoolClient, number>()
  let isSilent = false
  let timer: NodeJS.Timeout | undefined
  const watch = (): void => {
    const stoppedAt = performance.now()
    pool.options.connectionTimeoutMillis = LAST_ANSWER_MS
    timer = setInterval(() => {
      const latest = performance.now() - LAST_ANSWER_MS
      for (const [client, askedAt] of asked) {
        if (Math.max(askedAt, stoppedAt) > latest) continue
        isSilent = true
        // With a statement under way this cuts the connection.
        void client.end()
      }
    }, LAST_ANSWER_MS / 10).unref()
  }
  stop.addEventListener('abort', watch, { once: true })
  return {
    options: pool.options,
    end: () => {
      clearInterval(timer)
      return pool.end()
    },
    connect: async () => {
      if (isSilent) throw new Error('Connection terminated: the database does not answer')
      const client = await pool.connect()
      const query = async (text: string, parameters: readonly unknown[]) => {
        asked.set(client, performance.now())
        return await client.query(text, [...parameters]).finally(() => asked.delete(client))
      }
      return {
        // Cursors, the other form of a query, are never used.
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy),
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
