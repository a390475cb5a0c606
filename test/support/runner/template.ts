import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { migrateToLatest } from '../../../db/migrate.ts'
import { DatabaseError } from '../../../src/platform/errors.ts'
import { queues } from '../../../src/queues.ts'
import { databaseUrl } from '../database-url.ts'

export interface TemplateDatabase extends AsyncDisposable {
  readonly name: string
}

/**
 * A migrated database that the tests of one run clone. The connection that makes it stays open under
 * its name: a later run knows by that which databases on the server belong to nobody any more.
 */
export async function makeTemplate(adminUrl: string): Promise<TemplateDatabase> {
  const name = `hearflow_test_${randomBytes(4).toString('hex')}`
  const admin = new Client({ connectionString: adminUrl, application_name: name })
  // A server that goes away fails the tests that need it; this connection only waits for the end.
  admin.on('error', () => {})
  await admin.connect().catch((cause: unknown) => {
    throw new DatabaseError('the test server cannot be reached: check DATABASE_URL', { cause })
  })
  await dropDatabases(admin, await abandonedDatabases(admin))
  await admin.query(`create database ${name}`)
  await migrateToLatest(databaseUrl(adminUrl, name), queues)
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await dropDatabases(admin, await databasesOf(admin, name))
      await admin.end()
    },
  }
}

/** Databases of runs that were killed: no connection bears their run's name. */
async function abandonedDatabases(admin: Client): Promise<readonly string[]> {
  const { rows } = await admin.query<{ datname: string }>(`
    select datname from pg_database
    where datname ~ '^hearflow_test_[0-9a-f]{8}(_|$)' and pg_get_userbyid(datdba) = current_user
      and not exists (
        select from pg_stat_activity where application_name = substring(datname for 22)
      )`)
  return rows.map((row) => row.datname)
}

async function databasesOf(admin: Client, template: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [template],
  )
  return rows.map((row) => row.datname)
}

async function dropDatabases(admin: Client, names: readonly string[]): Promise<void> {
  for (const name of names) await admin.query(`drop database if exists ${name} with (force)`)
}
