import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { Subdomain } from '../../src/ids.ts'
import { BudgetSpentError } from '../../src/platform/errors.ts'
import { Permits, WITHOUT_SHARE } from '../../src/zendesk/budget/permit-store.ts'
import { type Ask, blockBudget, reservePermits, saveLimit } from '../../src/zendesk/budget/store.ts'
import { testDatabase } from '../support/database.ts'

const subdomain = Subdomain.parse('acme')
const { signal } = new AbortController()
const ask: Ask = { subdomain, family: 'account', quotaShare: 0.5, want: 1_000, minuteMs: 60_000 }

async function budgetRow(t: ExecutionContext) {
  const { db } = await testDatabase(t)
  const read = (family: string) =>
    db
      .selectFrom('budget')
      .selectAll()
      .select(sql<string>`xmin::text`.as('writtenBy'))
      .where('family', '=', family)
      .executeTakeFirst()
  return { db, read }
}

const sum = (granted: readonly number[] | undefined) =>
  (granted ?? []).reduce((total, inSlot) => total + inSlot, 0)

test('an account whose limit is not known gets our share of the default', async (t) => {
  const { db } = await budgetRow(t)

  t.is((await reservePermits(db, ask)).cap, 100)
  t.is((await reservePermits(db, { ...ask, family: 'incremental' })).cap, 5)
})

test('a limit that was learnt counts from the next look on', async (t) => {
  const { db } = await budgetRow(t)
  await reservePermits(db, ask)

  await saveLimit(db, subdomain, 'account', 700)

  t.is((await reservePermits(db, ask)).cap, 350)
})

test('workers that ask at the same time share one burst', async (t) => {
  const { db, read } = await budgetRow(t)
  await saveLimit(db, subdomain, 'account', 2_400)

  const startedAt = Date.now()
  const all = await Promise.all(Array.from({ length: 8 }, () => reservePermits(db, ask)))
  const slots = Math.ceil((Date.now() - startedAt) / 500)
  const granted = all.reduce((total, one) => total + one.granted, 0)

  // Three slots' worth at once, and ten more whenever the clock has ticked meanwhile.
  t.true(granted >= 30 && granted <= 31 + 11 * slots, `${granted} in ${slots} slots`)
  t.is(sum((await read('account'))?.granted), granted)
})

test('two workspaces on one account spend from one row', async (t) => {
  const { db } = await budgetRow(t)
  // So slow a pace that nothing is granted anew meanwhile.
  const slow = { ...ask, minuteMs: 3_600_000 }
  const first = await reservePermits(db, slow)

  const second = await reservePermits(db, { ...slow, quotaShare: 0.25 })

  t.is(first.granted, 3)
  t.is(second.granted, 0)
  t.true(second.waitMs > 0)
})

test('a blocked account grants nothing until then, and the later block counts', async (t) => {
  const { db } = await budgetRow(t)

  await blockBudget(db, subdomain, 'account', 30_000)
  await blockBudget(db, subdomain, 'account', 5_000)
  const blocked = await reservePermits(db, ask)

  t.is(blocked.granted, 0)
  t.true(blocked.isBlocked)
  t.true(blocked.waitMs > 20_000 && blocked.waitMs <= 30_000)
})

test('a block of the exports leaves the other requests alone', async (t) => {
  const { db } = await budgetRow(t)

  await blockBudget(db, subdomain, 'incremental', 30_000)

  t.true((await reservePermits(db, ask)).granted > 0)
})

test('an export takes a permit of both families', async (t) => {
  const { db, read } = await budgetRow(t)

  await new Permits(db, 60_000).take({ subdomain, quotaShare: 1 }, 'incremental', signal)

  t.is(sum((await read('incremental'))?.granted), 1)
  t.is(sum((await read('account'))?.granted), 1)
})

test('an export that has to wait for the account takes no permit of its own meanwhile', async (t) => {
  const { db, read } = await budgetRow(t)
  await blockBudget(db, subdomain, 'account', 30_000)

  const refused = await reservePermits(db, { ...ask, family: 'incremental', want: 1 })

  t.like(refused, { granted: 0, isBlocked: true })
  t.is(sum((await read('incremental'))?.granted), 0)
})

test('under a small limit no permit is taken that nobody needs', async (t) => {
  const { db, read } = await budgetRow(t)
  const permits = new Permits(db, 60_000)

  for (let count = 0; count < 5; count++) {
    await permits.take({ subdomain, quotaShare: 0.5 }, 'account', signal)
  }

  t.is(sum((await read('account'))?.granted), 5)
})

test('under a large limit one look at the row serves many requests', async (t) => {
  const { db, read } = await budgetRow(t)
  await saveLimit(db, subdomain, 'account', 1_000_000)
  const permits = new Permits(db, 60_000)
  let looks = 0
  let last: unknown

  for (let count = 0; count < 500; count++) {
    await permits.take({ subdomain, quotaShare: 0.5 }, 'account', signal)
    const now = JSON.stringify((await read('account'))?.writtenBy)
    if (now !== last) looks += 1
    last = now
  }

  t.true(sum((await read('account'))?.granted) >= 500)
  t.true(looks < 250, `${looks} looks`)
})

test('who comes without a share waits for no share, and is counted', async (t) => {
  const { db, read } = await budgetRow(t)
  const permits = new Permits(db, 60_000)
  const person = { subdomain, quotaShare: WITHOUT_SHARE }

  for (let count = 0; count < 20; count++) await permits.take(person, 'incremental', signal)

  t.is(sum((await read('incremental'))?.granted), 20)
  t.is(sum((await read('account'))?.granted), 20)
  t.is((await reservePermits(db, { ...ask, family: 'incremental' })).granted, 0)
  await blockBudget(db, subdomain, 'incremental', 120_000)
  await t.throwsAsync(permits.take(person, 'incremental', signal), {
    instanceOf: BudgetSpentError,
  })
})

test('who waits gets the permits as they come', async (t) => {
  const { db } = await budgetRow(t)
  const permits = new Permits(db, 600)
  const spender = { subdomain, quotaShare: 0.5 }

  const all = Array.from({ length: 60 }, () => permits.take(spender, 'account', signal))

  await t.notThrowsAsync(Promise.all(all))
})

test('a wait beyond patience gives everybody in line back, with the instant to come again', async (t) => {
  const { db } = await budgetRow(t)
  await blockBudget(db, subdomain, 'account', 120_000)
  const permits = new Permits(db, 60_000)

  const waiting = [1, 2].map(() => permits.take({ subdomain, quotaShare: 1 }, 'account', signal))

  for (const one of waiting) {
    const error = await t.throwsAsync(one, { instanceOf: BudgetSpentError })
    const inMs = error.resumeAt.getTime() - Date.now()
    t.true(inMs > 100_000 && inMs <= 120_500)
  }
})

test('a pace slower than patience is waited for, lest nothing ever comes to an end', async (t) => {
  const { db } = await budgetRow(t)
  await saveLimit(db, subdomain, 'account', 1)
  const permits = new Permits(db, 60_000)
  const spender = { subdomain, quotaShare: 1 }
  await permits.take(spender, 'account', signal)
  const controller = new AbortController()
  const stopped = new Error('stopped')

  const second = permits.take(spender, 'account', controller.signal)
  // The line looks at the row before these, and would give its waiter back there and then.
  for (let looks = 0; looks < 5; looks++) await reservePermits(db, { ...ask, quotaShare: 1 })
  controller.abort(stopped)

  t.is(await t.throwsAsync(second), stopped)
})

test('who is stopped leaves the line with the reason, and the others stay', async (t) => {
  const { db } = await budgetRow(t)
  await blockBudget(db, subdomain, 'account', 200)
  const permits = new Permits(db, 60_000)
  const spender = { subdomain, quotaShare: 1 }
  const controller = new AbortController()

  const stopped = permits.take(spender, 'account', controller.signal)
  const patient = permits.take(spender, 'account', signal)
  controller.abort(new Error('stopped'))

  await t.throwsAsync(stopped, { message: 'stopped' })
  await t.notThrowsAsync(patient)
})

test('a limit is written when it changes and only then', async (t) => {
  const { db, read } = await budgetRow(t)
  const permits = new Permits(db, 60_000)
  const sentAt = performance.now()

  await permits.learn(subdomain, { account: { limit: 700 } }, sentAt)
  const first = await read('account')
  await permits.learn(subdomain, { account: { limit: 700, remaining: 3 } }, sentAt)
  const second = await read('account')
  await permits.learn(subdomain, { account: { limit: 400 }, incremental: { limit: 30 } }, sentAt)

  t.is(first?.limitPerMinute, 700)
  t.deepEqual(second?.writtenBy, first?.writtenBy)
  t.is((await read('account'))?.limitPerMinute, 400)
  t.is((await read('incremental'))?.limitPerMinute, 30)
})

test('comments are limited by the account alone as long as no limit of their own is known', async (t) => {
  const { db, read } = await budgetRow(t)

  t.is((await reservePermits(db, { ...ask, family: 'comments' })).cap, 100)
  t.is(await read('comments'), undefined)
})

test('a limit of comments that one worker learnt holds for all, and for comments only', async (t) => {
  const { db, read } = await budgetRow(t)
  const told = { comments: { limit: 30 } }
  await new Permits(db, 60_000).learn(subdomain, told, performance.now())

  const comments = await reservePermits(db, { ...ask, family: 'comments' })

  t.is(comments.cap, 15)
  t.is(sum((await read('comments'))?.granted), comments.granted)
  t.is(sum((await read('account'))?.granted), comments.granted)
  t.is((await reservePermits(db, ask)).cap, 100)
})

test('a block of the comments leaves exports and the rest alone', async (t) => {
  const { db } = await budgetRow(t)

  await blockBudget(db, subdomain, 'comments', 30_000)

  const refused = await reservePermits(db, { ...ask, family: 'comments' })
  t.like(refused, { granted: 0, isBlocked: true, waitsFor: 'comments' })
  t.true((await reservePermits(db, { ...ask, family: 'incremental' })).granted > 0)
})

test('what an answer shows of others lowers the cap of all workers', async (t) => {
  const { db, read } = await budgetRow(t)
  const permits = new Permits(db, 60_000)
  const told = { account: { limit: 400, remaining: 250, resetMs: 1_000 } }
  await permits.learn(subdomain, told, performance.now())
  t.is((await reservePermits(db, ask)).cap, 200)

  await permits.take({ subdomain, quotaShare: 0.5 }, 'comments', signal)

  t.true((await reservePermits(db, { ...ask, quotaShare: 0.25 })).cap < 65)
  const others = (await read('account'))?.others ?? []
  const seen = others.reduce<number>((total, inSlot) => total + (inSlot ?? 0), 0)
  t.true(seen > 130 && seen <= 150, `${seen} of others`)
})

test('what is seen of others is kept also while nothing is granted', async (t) => {
  const { db } = await budgetRow(t)
  await saveLimit(db, subdomain, 'account', 400)
  await blockBudget(db, subdomain, 'account', 30_000)
  const seen = { used: 300, resetMs: 1_000, sentMsAgo: 10, receivedMsAgo: 5 }

  await reservePermits(db, { ...ask, seen: { account: seen } })

  t.true((await reservePermits(db, ask)).cap < 50)
})

test('a permit says until when it may be used', async (t) => {
  const { db } = await budgetRow(t)
  const spender = { subdomain, quotaShare: 0.5 }

  const before = performance.now()
  const permit = await new Permits(db, 60_000).take(spender, 'account', signal)

  t.true(permit.usableUntil > before)
  t.true(permit.usableUntil <= performance.now() + 1_000)
})
