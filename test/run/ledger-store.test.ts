import test from 'ava'
import { DateTime } from 'luxon'
import { runJson } from '../../src/admin/run-json.ts'
import { TicketId } from '../../src/ids.ts'
import { addHintOutcomes, addToLedger } from '../../src/run/ledger-store.ts'
import { findRun, insertRun } from '../../src/run/store.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'

const portion = {
  seen: 3,
  published: 1,
  unchanged: 1,
  filtered: 1,
  noPublicComments: 0,
  gone: 0,
  quarantined: 0,
  retracted: 0,
}

test('a run says which of the tickets that it saw have come to no end', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const run = { integrationId, kind: 'sync', windowFrom: new Date() } as const
  const id = await db.transaction().execute((trx) => insertRun(trx, run))
  const add = (missing: readonly number[]) =>
    db.transaction().execute((trx) =>
      addToLedger(trx, id, {
        ledger: portion,
        pages: 1,
        reachedAt: null,
        missing: missing.map((it) => TicketId.parse(it)),
      }),
    )
  const shown = async () => runJson((await findRun(db, id))!, DateTime.utc())

  await add([])
  t.deepEqual((await shown()).amber, [])
  t.like((await shown()).ledger, { tickets_seen: 3, unaccounted: 0, closes: true })

  await add([17, 23])
  await add(Array.from({ length: 30 }, (_, index) => 100 + index))
  const { amber, ledger } = await shown()
  t.like(ledger, { tickets_seen: 41, unaccounted: 32, closes: false })
  t.is(amber.length, 1)
  t.regex(amber[0]!, /^32 of the tickets seen came to no end, among them 17, 23, 100, .*, 117$/)

  await db
    .transaction()
    .execute((trx) => addHintOutcomes(trx, id, { confirmed: 3, fetched: 2, moot: 1 }))
  t.deepEqual((await shown()).hints, { confirmed: 3, fetched: 2, moot: 1 })
})

test('failures are counted in a row: a page that is done ends the row, also without any news', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const run = { integrationId, kind: 'sync', windowFrom: new Date() } as const
  const id = await db.transaction().execute((trx) => insertRun(trx, run))
  const unchanged = { ...portion, seen: 1, published: 0, filtered: 0 }
  const attemptsAfter = async (pages: number) => {
    await db.updateTable('run').set({ attempts: 7 }).where('id', '=', id).execute()
    const add = { ledger: unchanged, pages, reachedAt: null, missing: [] }
    await db.transaction().execute((trx) => addToLedger(trx, id, add))
    return (await findRun(db, id))?.attempts
  }

  t.is(await attemptsAfter(0), 7)
  t.is(await attemptsAfter(1), 0)
})
