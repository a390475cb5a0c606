import { promises as fs } from 'node:fs'
import path from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { FileMigrationProvider, type MigrationResult, Migrator } from 'kysely/migration'
import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { DatabaseError } from '../src/platform/errors.ts'
import type { QueueDefinition } from '../src/queues.ts'
import { outliveConnections } from './connect.ts'

const migrationFolder = path.join(import.meta.dirname, 'migrations')

/** What Postgres calls a table that is not there. */
const UNDEFINED_TABLE = '42P01'

function migrator<Tables>(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }) })
}

async function withMigrator<T>(url: string, use: (migrator: Migrator) => Promise<T>): Promise<T> {
  const pool = new Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000 })
  outliveConnections(pool)
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await use(migrator(db))
  } finally {
    await db.destroy()
  }
}

/** Brings our tables, pg-boss and its queues up to date. Safe to run twice and by two at once. */
export async function migrateToLatest(
  url: string,
  queues: readonly QueueDefinition[],
): Promise<readonly string[]> {
  await countPendingAt(url)
  const applied = await withMigrator(url, async (migrator) => {
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error !== undefined) throw migrationFailed(error, results)
    return results.map((result) => result.migrationName)
  })
  const boss = new PgBoss({ connectionString: url, max: 2, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  try {
    for (const { name, policy, ...options } of queues) {
      await boss.createQueue(name, { policy, ...options })
      await boss.updateQueue(name, options)
    }
  } finally {
    await boss.stop({ graceful: false })
  }
  return applied
}

/** Of the error only the code is told: its message may quote what stands in the tables. */
function migrationFailed(cause: unknown, results: readonly MigrationResult[]): DatabaseError {
  const name = results.find((result) => result.status === 'Error')?.migrationName ?? 'a migration'
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return new DatabaseError(`${name} could not be applied${code}; nothing of it was kept`, { cause })
}

/**
 * How many migrations are not applied to this database. Asked with each look at the service: the
 * migrator would read the columns of every table for it.
 */
export async function pendingMigrations<Tables>(db: Kysely<Tables>): Promise<number> {
  const files = await fs.readdir(migrationFolder)
  const applied = await appliedMigrations(db)
  return files.filter((file) => !applied.has(path.parse(file).name)).length
}

async function appliedMigrations<Tables>(db: Kysely<Tables>): Promise<ReadonlySet<string>> {
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
    return new Set(rows.map(({ name }) => name))
  } catch (error) {
    const isMissing = error instanceof Error && Reflect.get(error, 'code') === UNDEFINED_TABLE
    if (isMissing) return new Set()
    throw error
  }
}

async function countPending(migrator: Migrator): Promise<number> {
  const migrations = await migrator.getMigrations()
  return migrations.filter((migration) => migration.executedAt === undefined).length
}

/** Throws a `DatabaseError` that says what to run unless every migration is applied. */
export async function assertMigrated(url: string): Promise<void> {
  const pending = await countPendingAt(url)
  if (pending > 0) {
    throw new DatabaseError(
      `the database lacks ${pending} migration${pending === 1 ? '' : 's'}: run "npm run release" first`,
    )
  }
}

async function countPendingAt(url: string): Promise<number> {
  try {
    return await withMigrator(url, countPending)
  } catch (cause) {
    throw new DatabaseError(
      'the database cannot be reached: check DATABASE_URL and that Postgres is running',
      { cause },
    )
  }
}
