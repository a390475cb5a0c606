import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import { Client } from 'pg'
import { connect } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'
import { databaseUrl } from './database-url.ts'

/** A migrated database without rows, of the test's own, gone after it. */
export async function testDatabase(
  t: ExecutionContext,
): Promise<{ url: string; db: Kysely<Database> }> {
  const { template } = testServer()
  const url = await makeDatabase(
    t,
    async (admin) => `template ${template} ${await strategy(admin)}`,
  )
  const db = connect(url)
  // Teardowns run in reverse: the pool is closed before the database is dropped.
  t.teardown(() => db.destroy())
  return { url, db }
}

/** A database without even a table, gone after the test. */
export async function emptyDatabase(t: ExecutionContext): Promise<string> {
  return await makeDatabase(t, () => Promise.resolve(''))
}

function testServer(): { server: string; template: string } {
  const { TEST_DATABASE_URL: server, TEST_TEMPLATE: template } = process.env
  if (server === undefined || template === undefined) {
    throw new Error('there is no test server: run "npm test", or "npm test -- test/one.test.ts"')
  }
  return { server, template }
}

async function makeDatabase(
  t: ExecutionContext,
  options: (admin: Client) => Promise<string>,
): Promise<string> {
  const { server, template } = testServer()
  const name = `${template}_${randomBytes(6).toString('hex')}`
  await asAdmin(server, async (admin) => {
    await admin.query(`create database ${name} ${await options(admin)}`)
  })
  t.teardown(() => asAdmin(server, (admin) => dropDatabase(admin, name)))
  return databaseUrl(server, name)
}

/** How long connections that are being closed may take; what is still open then is cut off. */
const CLOSING_MS = 2_000

/**
 * A pool says that it has ended when its connections have said goodbye, not when the server has
 * heard it. A connection cut off in between throws where nobody listens any more.
 */
async function dropDatabase(admin: Client, name: string): Promise<void> {
  const deadline = performance.now() + CLOSING_MS
  const isOpen = `select from pg_stat_activity
    where datname = $1 and backend_type = 'client backend'`
  while (performance.now() < deadline && (await admin.query(isOpen, [name])).rowCount !== 0) {
    await sleep(5)
  }
  await admin.query(`drop database ${name} with (force)`)
}

/** Copying files is the fastest way (11 ms) on a server that does not sync, and the slowest on others. */
async function strategy(admin: Client): Promise<string> {
  const { rows } = await admin.query<{ copyFiles: boolean }>(`
    select current_setting('fsync') = 'off' and current_setting('server_version_num')::int >= 150000
      as "copyFiles"`)
  return rows[0]?.copyFiles === true ? 'strategy file_copy' : ''
}

async function asAdmin(server: string, use: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: server })
  await admin.connect()
  try {
    await use(admin)
  } finally {
    await admin.end()
  }
}

/** Returns when a session of this database waits for a lock. */
export async function untilBlocked(db: Kysely<Database>): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    if (rows.length > 0) return
  }
}
