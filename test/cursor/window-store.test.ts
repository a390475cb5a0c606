import test, { type ExecutionContext } from 'ava'
import { moveCursor, readCursor, startCursor } from '../../src/cursor/store.ts'
import { closeWindow, openWindow } from '../../src/cursor/window-store.ts'
import { testDatabase } from '../support/database.ts'
import { aFeed } from '../support/outbox-rows.ts'
import { at } from '../support/zendesk-rows.ts'

const day = (number: number): Date =>
  at(`2026-03-${String(number).padStart(2, '0')}T00:00:00Z`).toJSDate()

/** Syncs have come to an instant; a window from another one is imported again, to its end or not. */
async function imported(
  t: ExecutionContext,
  { syncedTo, from, endOfStream = true }: { syncedTo: number; from: number; endOfStream?: boolean },
) {
  const { db } = await testDatabase(t)
  const { integrationId: id } = await aFeed(db)
  await db.transaction().execute(async (trx) => {
    await startCursor(trx, id, day(1))
    const page = { endOfStream: true, pageSize: 1000 }
    const synced = { ...page, stream: 'tickets' as const, afterCursor: 'synced' }
    await moveCursor(trx, id, { ...synced, generatedAt: day(syncedTo) })
    await openWindow(trx, id, day(from))
    const read = { ...page, endOfStream, stream: 'window' as const, afterCursor: 'again' }
    await moveCursor(trx, id, { ...read, generatedAt: day(20) })
  })
  const close = () => db.transaction().execute((trx) => closeWindow(trx, id, day(from)))
  return {
    close,
    open: () => db.transaction().execute((trx) => openWindow(trx, id, day(5))),
    read: () => readCursor(db, id),
    window: () => readCursor(db, id, 'window'),
  }
}

test('a window that was imported again takes the syncs on to its end', async (t) => {
  const { close, read, window } = await imported(t, { syncedTo: 10, from: 3 })
  t.like(await read(), { afterCursor: 'synced' })

  await close()

  t.like(await read(), { afterCursor: 'again' })
  t.is((await read())?.generatedAt?.toMillis(), day(20).getTime())
  t.is(await window(), undefined)
})

test('what syncs have not come to is not skipped for a window that begins later', async (t) => {
  const { close, read, window } = await imported(t, { syncedTo: 10, from: 15 })

  await close()

  t.like(await read(), { afterCursor: 'synced' })
  t.is(await window(), undefined)
})

test('a window that has not come to its end takes the syncs nowhere', async (t) => {
  const { close, read } = await imported(t, { syncedTo: 10, from: 3, endOfStream: false })

  await close()

  t.like(await read(), { afterCursor: 'synced' })
})

test('another import of a window begins at its own start', async (t) => {
  const { open, read, window } = await imported(t, { syncedTo: 10, from: 3 })

  await open()

  t.like(await window(), { afterCursor: null, generatedAt: null, endReachedAt: null })
  t.is((await window())?.startAt.toMillis(), day(5).getTime())
  t.like(await read(), { afterCursor: 'synced' })
})
