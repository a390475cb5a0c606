import { readFileSync } from 'node:fs'
import test from 'ava'
import { sql } from 'kysely'
import { connect } from '../../db/connect.ts'
import { dumpSchema, schemaFile } from '../../db/dump-schema.ts'
import { assertMigrated, migrateToLatest } from '../../db/migrate.ts'
import { DatabaseError } from '../../src/platform/errors.ts'
import { queues } from '../../src/queues.ts'
import { emptyDatabase, testDatabase } from '../support/database.ts'

test('db/schema.sql shows the schema that the migrations make', async (t) => {
  const { url } = await testDatabase(t)

  const dump = await dumpSchema(url)

  t.is(readFileSync(schemaFile, 'utf8'), dump, 'run: npm run schema')
})

test('migrations apply to an empty database, and a second time change nothing', async (t) => {
  const url = await emptyDatabase(t)
  const error = await t.throwsAsync(assertMigrated(url), { instanceOf: DatabaseError })
  t.regex(error.message, /lacks 1 migration: run "npm run release" first/)

  const first = await migrateToLatest(url, queues)
  const second = await migrateToLatest(url, queues)

  t.deepEqual(first, ['0001-initial'])
  t.deepEqual(second, [])
  await t.notThrowsAsync(assertMigrated(url))
})

test('two releases at once do not disturb each other', async (t) => {
  const url = await emptyDatabase(t)

  const applied = await Promise.all([migrateToLatest(url, queues), migrateToLatest(url, queues)])

  t.deepEqual(applied.flat(), ['0001-initial'])
  await t.notThrowsAsync(assertMigrated(url))
})

test('a release that cannot reach its database says what to check', async (t) => {
  const url = new URL(await emptyDatabase(t))
  url.pathname = '/no_such_database'

  await t.throwsAsync(migrateToLatest(url.href, queues), {
    instanceOf: DatabaseError,
    message: /cannot be reached: check DATABASE_URL/,
  })
})

test('a migration that cannot be applied is named, and nothing of it is kept', async (t) => {
  const url = await emptyDatabase(t)
  const db = connect(url)
  t.teardown(() => db.destroy())
  await sql`create table integration (held text)`.execute(db)

  await t.throwsAsync(migrateToLatest(url, queues), {
    instanceOf: DatabaseError,
    message: '0001-initial could not be applied (42P07); nothing of it was kept',
  })
  const { rows } = await sql`select from pg_tables where tablename = 'workspace'`.execute(db)
  t.is(rows.length, 0)
})

test('a turn that is not public cannot be stored', async (t) => {
  const { db } = await testDatabase(t)
  await db.insertInto('workspace').values({ id: 'w', quotaShare: null }).execute()
  const { id: integrationId } = await db
    .insertInto('integration')
    .values({
      workspaceId: 'w',
      subdomain: 'acme',
      errorCode: null,
      errorMessage: null,
      zendeskUserId: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const head = { integrationId, ticketId: 1, workspaceId: 'w', revision: 1, contentHash: 'h' }
  await db
    .insertInto('transcript')
    .values({ ...head, state: 'live' })
    .execute()
  const revision = { integrationId, ticketId: 1, revision: 1, ticket: '{}' }
  const store = (turns: unknown) =>
    db
      .insertInto('transcriptRevision')
      .values({ ...revision, turns: JSON.stringify(turns) })
      .execute()

  for (const turn of [{ public: false }, {}, { public: 'true' }, { public: null }]) {
    await t.throwsAsync(store([{ public: true }, turn]), { code: '23514' }, JSON.stringify(turn))
  }
  await t.notThrowsAsync(store([{ public: true }]))
})
