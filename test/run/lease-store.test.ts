import test, { type ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../../src/ids.ts'
import { LeaseLostError } from '../../src/platform/errors.ts'
import { type Lease, Leases, assertLease } from '../../src/run/lease-store.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'

/** Two workers and an active integration. */
async function twoWorkers(t: ExecutionContext) {
  const { db, url } = await testDatabase(t)
  const [one, other] = [new Leases(db, url), new Leases(db, url)]
  for (const leases of [one, other]) t.teardown(() => leases[Symbol.asyncDispose]())
  return { db, one, other, id: await anActiveIntegration(db) }
}

async function anActiveIntegration(db: Kysely<Database>): Promise<IntegrationId> {
  const { integrationId } = await anIntegration(db)
  await db.updateTable('integration').set({ status: 'active' }).execute()
  await db.insertInto('lease').values({ integrationId }).execute()
  return integrationId
}

async function taken(leases: Leases, id: IntegrationId): Promise<Lease> {
  const lease = await leases.take(id)
  if (lease === undefined) throw new Error('the lease is not free')
  return lease
}

const mayCommit = (db: Kysely<Database>, lease: Lease) =>
  db.transaction().execute((trx) => assertLease(trx, lease))

/** Ends all connections that hold leases, as the server does when it restarts. */
async function cutConnections(db: Kysely<Database>, ...leases: readonly Lease[]): Promise<void> {
  const lost = leases.map(
    ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  )
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'hearflow-zendesk-leases'`.execute(db)
  await Promise.all(lost)
}

test('of two workers one gets the lease, and the other when it is given back', async (t) => {
  const { db, one, other, id } = await twoWorkers(t)
  const first = await taken(one, id)

  t.is(await other.take(id), undefined)
  t.is(await one.take(id), undefined)
  await t.notThrowsAsync(mayCommit(db, first))
  await first[Symbol.asyncDispose]()
  const second = await taken(other, id)

  t.is(second.fence, first.fence + 1)
  await t.throwsAsync(mayCommit(db, first), { instanceOf: LeaseLostError })
  await t.notThrowsAsync(mayCommit(db, second))
})

test('leases of different integrations do not meet', async (t) => {
  const { db, one, id } = await twoWorkers(t)
  const ids = [id, await anActiveIntegration(db), await anActiveIntegration(db)]

  const leases = await Promise.all(ids.map((it) => taken(one, it)))

  for (const lease of leases) await t.notThrowsAsync(mayCommit(db, lease))
})

test('a lost connection ends its leases, which are free at once', async (t) => {
  const { db, one, other, id } = await twoWorkers(t)
  const lost = await taken(one, id)

  await cutConnections(db, lost)

  t.true(lost.signal.reason instanceof LeaseLostError)
  const next = await taken(other, id)
  await lost[Symbol.asyncDispose]()
  await t.throwsAsync(mayCommit(db, lost), { instanceOf: LeaseLostError })
  await t.notThrowsAsync(mayCommit(db, next))
  t.is(await one.take(id), undefined)
  await next[Symbol.asyncDispose]()
  await t.notThrowsAsync(taken(one, id))
})

test('a lease is free again when its fence could not be raised', async (t) => {
  const { db, one, other, id } = await twoWorkers(t)
  await sql`alter table lease add constraint no_fence check (fence < 0) not valid`.execute(db)

  await t.throwsAsync(one.take(id), { message: /no_fence/ })

  await sql`alter table lease drop constraint no_fence`.execute(db)
  await t.notThrowsAsync(taken(other, id))
})

test('nothing is committed for an integration that is not active', async (t) => {
  const { db, one, id } = await twoWorkers(t)
  const lease = await taken(one, id)

  await db.updateTable('integration').set({ status: 'paused' }).execute()

  await t.throwsAsync(mayCommit(db, lease), { instanceOf: LeaseLostError })
})
