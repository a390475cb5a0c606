import test from 'ava'
import { sql } from 'kysely'
import { eraseOnce } from '../../src/housekeeping/erase-once.ts'
import { resealSinksOnce } from '../../src/housekeeping/reseal-once.ts'
import {
  checkSinkKeys,
  openSecrets,
  pruneSecrets,
  sealSecret,
} from '../../src/outbox/sink/secret-store.ts'
import { CredentialError } from '../../src/platform/errors.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { testDatabase } from '../support/database.ts'
import { aFeed, publish, retract } from '../support/outbox-rows.ts'
import { SECRET } from '../support/receiver.ts'
import { KEYS, aSink, environmentSink, readSink } from '../support/sinks.ts'

setLogLevel('silent')
const never = new AbortController().signal
const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAA'
const newKey = { id: 'newer', key: Buffer.alloc(32, 9) }

for (const state of ['stopped', 'off', 'deleted'] as const) {
  test(`text waits for the sink of its workspace, and not for one that is ${state}`, async (t) => {
    const { db } = await testDatabase(t)
    const feed = await aFeed(db)
    const name = await aSink(db, feed.workspaceId)
    await aSink(db, (await aFeed(db, 'w2')).workspaceId)
    await publish(db, feed, { ticketId: 1 })
    await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })
    const erase = async () => {
      await sql`update erasure set due_at = now()`.execute(db)
      return eraseOnce({ db, sinks: [] }, never)
    }

    const waiting = await erase()
    await db.updateTable('sinkPosition').set({ sequence: 2 }).where('sink', '=', name).execute()
    await sql`insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id)
      select ${name}, workspace_id, sequence, integration_id, ticket_id from outbox_entry
      where sequence = 2`.execute(db)
    const pending = await erase()
    const stateReason = state === 'deleted' ? null : 'gone (410)'
    await db.updateTable('sink').set({ state, stateReason }).where('name', '=', name).execute()

    t.deepEqual([waiting, pending], Array(2).fill({ erased: 0, postponed: 1 }))
    t.deepEqual(await erase(), { erased: 1, postponed: 0 })
  })
}

test('text does not wait for the sink of the environment once it is stopped', async (t) => {
  const { db } = await testDatabase(t)
  const feed = await aFeed(db)
  await environmentSink(db)
  await publish(db, feed, { ticketId: 1 })
  await retract(db, feed, { ticketId: 1, revision: 2, reason: 'deleted' })

  const waiting = await eraseOnce({ db, sinks: ['http'] }, never)
  await db.updateTable('sink').set({ state: 'stopped', stateReason: 'gone (410)' }).execute()
  await sql`update erasure set due_at = now()`.execute(db)

  t.deepEqual(waiting, { erased: 0, postponed: 1 })
  t.deepEqual(await eraseOnce({ db, sinks: ['http'] }, never), { erased: 1, postponed: 0 })
})

async function aRotatedSink(t: Parameters<typeof testDatabase>[0]) {
  const { db } = await testDatabase(t)
  const name = await aSink(db, (await aFeed(db)).workspaceId)
  const previousSecretUntil = new Date(Date.now() + 3_600_000)
  await db
    .updateTable('sink')
    .set({ ...sealSecret(KEYS, name, OTHER, SECRET), previousSecretUntil })
    .execute()
  return { db, row: async () => (await readSink(db, name)).row }
}

test('the secrets of sinks are sealed anew with the first key, so that the old one can go', async (t) => {
  const { db, row } = await aRotatedSink(t)
  const keys = [newKey, ...KEYS]

  const counts = await resealSinksOnce({ db, keys }, never)

  t.deepEqual(counts, { resealed: 1, unopened: 0 })
  t.deepEqual(openSecrets([newKey], await row()), [OTHER, SECRET])
  await t.notThrowsAsync(checkSinkKeys(db, [newKey]))
  t.deepEqual(await resealSinksOnce({ db, keys }, never), { resealed: 0, unopened: 0 })
})

test('a secret of before a rotation that has run out is forgotten', async (t) => {
  const { db, row } = await aRotatedSink(t)
  await db
    .updateTable('sink')
    .set({ previousSecretUntil: new Date(Date.now() - 1) })
    .execute()

  t.deepEqual(await pruneSecrets(db), { secrets: 1 })

  t.like(await row(), { previousSecret: null, previousSecretUntil: null })
  t.deepEqual(openSecrets(KEYS, await row()), [OTHER])
})

test('a process does not start with keys that do not open the secrets of sinks', async (t) => {
  const { db } = await aRotatedSink(t)

  const lacking = await t.throwsAsync(checkSinkKeys(db, [newKey]), { instanceOf: CredentialError })
  const wrong = { id: 'test', key: Buffer.alloc(32, 3) }
  const failing = await t.throwsAsync(checkSinkKeys(db, [wrong]), { instanceOf: CredentialError })

  t.regex(lacking.message, /is sealed with key "test": add that key to ENCRYPTION_KEYS/)
  t.regex(failing.message, /does not open with key "test".*give the sink a new secret/)
  t.deepEqual(await resealSinksOnce({ db, keys: [newKey, wrong] }, never), {
    resealed: 0,
    unopened: 1,
  })
})
