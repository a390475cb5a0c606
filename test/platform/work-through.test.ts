import test from 'ava'
import { workThrough } from '../../src/platform/work-through.ts'

function queueOf(count: number): (room: number) => Promise<number[]> {
  const items = Array.from({ length: count }, (_, index) => index)
  return async (room) => items.splice(0, room)
}

test('each item is worked on once, never more at a time than there are lanes', async (t) => {
  const worked: number[] = []
  let running = 0
  let most = 0

  await workThrough({
    lanes: 4,
    claim: queueOf(50),
    async work(item) {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      worked.push(item)
    },
  })

  t.is(worked.length, 50)
  t.is(new Set(worked).size, 50)
  t.is(most, 4)
})

test('a slow item holds up its own lane only', async (t) => {
  const slow = Promise.withResolvers<void>()
  const worked: number[] = []

  await workThrough({
    lanes: 4,
    claim: queueOf(40),
    async work(item) {
      if (item === 0) await slow.promise
      worked.push(item)
      if (worked.length === 39) slow.resolve()
    },
  })

  t.is(worked.at(-1), 0)
})

test('after a failure nothing more is claimed, and it is thrown when the others have ended', async (t) => {
  const other = Promise.withResolvers<void>()
  const claimed: number[] = []
  let ended = false
  const take = queueOf(10)

  const outcome = workThrough({
    lanes: 2,
    async claim(room) {
      const items = await take(room)
      claimed.push(...items)
      return items
    },
    async work(item) {
      if (item === 0) {
        setImmediate(other.resolve)
        throw new Error('broken')
      }
      await other.promise
      ended = true
    },
  })

  await t.throwsAsync(outcome, { message: 'broken' })
  t.true(ended)
  t.deepEqual(claimed, [0, 1])
})

test('a claim that fails ends the work once what runs has ended', async (t) => {
  let ended = false
  let claims = 0

  const outcome = workThrough({
    lanes: 2,
    async claim() {
      claims += 1
      if (claims === 2) throw new Error('no database')
      return [1]
    },
    async work() {
      await new Promise((resolve) => setImmediate(resolve))
      ended = true
    },
  })

  await t.throwsAsync(outcome, { message: 'no database' })
  t.true(ended)
})
