import test from 'ava'
import { type BatchWork, Batcher } from '../../../src/platform/batch/batcher.ts'
import { RequestError } from '../../../src/platform/errors.ts'

/** A place of work whose batches end when the test says so. */
function aPlace(options: Partial<BatchWork<string, string>> = {}) {
  const batches: { readonly items: readonly string[]; readonly end: (error?: Error) => void }[] = []
  const batcher = new Batcher<string, string>({
    work: async (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      batches.push({ items, end: (error) => (error === undefined ? resolve() : reject(error)) })
      await promise
      return items.map((item) =>
        item.startsWith('bad')
          ? { status: 'rejected', reason: new Error(item) }
          : { status: 'fulfilled', value: item.toUpperCase() },
      )
    },
    laneOf: (item) => item.split(' ')[0] ?? '',
    capacity: 100,
    batchSize: 10,
    mostInFlight: 1,
    longestWaitMs: 60_000,
    ...options,
  })
  return { batcher, batches }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what is submitted at once is one batch, answered when the batch has ended', async (t) => {
  const { batcher, batches } = aPlace()
  const answers = ['a', 'b', 'c'].map((item) => batcher.submit(item))
  await turn()

  t.deepEqual(
    batches.map(({ items }) => items),
    [['a', 'b', 'c']],
  )
  batches[0]?.end()
  t.deepEqual(await Promise.all(answers), ['A', 'B', 'C'])
})

test('what comes while a batch is under way waits for the next one', async (t) => {
  const { batcher, batches } = aPlace()
  const first = batcher.submit('a')
  await turn()
  const rest = ['b', 'c'].map((item) => batcher.submit(item))
  await turn()
  t.is(batches.length, 1)

  batches[0]?.end()
  await first
  await turn()
  batches[1]?.end()

  t.deepEqual(await Promise.all(rest), ['B', 'C'])
  t.is(batches.length, 2)
})

test('an item that fails takes no other one along', async (t) => {
  const { batcher, batches } = aPlace()
  const answers = ['a', 'bad', 'c'].map((item) => batcher.submit(item))
  await turn()
  batches[0]?.end()

  const settled = await Promise.allSettled(answers)

  t.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('where the place is out of reach all who wait are told, and the next are tried again', async (t) => {
  const { batcher, batches } = aPlace()
  const first = batcher.submit('a')
  await turn()
  const second = batcher.submit('b')
  const told = Promise.allSettled([first, second])

  batches[0]?.end(new Error('out of reach'))
  t.deepEqual(
    (await told).map(({ status }) => status),
    ['rejected', 'rejected'],
  )

  const third = batcher.submit('c')
  while (batches.length < 2) await turn()
  batches[1]?.end()
  t.is(await third, 'C')
})

test('beyond its capacity the answer is no, at once, but not for another lane', async (t) => {
  const { batcher, batches } = aPlace({ capacity: 10, batchSize: 100 })
  const held = batcher.submit('held')
  await turn()
  const flood = Array.from({ length: 20 }, (_, index) => batcher.submit(`flood ${index}`))
  const other = batcher.submit('other')
  const refused = await Promise.allSettled(flood.slice(5))

  for (const outcome of refused) {
    t.is(outcome.status, 'rejected')
    if (outcome.status === 'rejected') t.true(outcome.reason instanceof RequestError)
  }
  batches[0]?.end()
  await held
  await turn()
  batches[1]?.end()
  t.is(await other, 'OTHER')
  t.is((await Promise.all(flood.slice(0, 5))).length, 5)
  t.is(batches[1]?.items.indexOf('other'), 1)
})

test('what has waited for too long is refused and not worked on', async (t) => {
  const { batcher, batches } = aPlace({ longestWaitMs: -1 })

  const error = await t.throwsAsync(batcher.submit('a'), { instanceOf: RequestError })

  t.is(error.status, 503)
  t.is(batches.length, 0)
})

test('as many batches as are allowed are under way at once, and no more', async (t) => {
  const { batcher, batches } = aPlace({ mostInFlight: 2, batchSize: 1 })
  const answers = ['a', 'b', 'c'].map((item) => batcher.submit(item))
  for (let count = 0; count < 5; count++) await turn()
  t.is(batches.length, 2)

  batches[1]?.end()
  await answers[1]
  await turn()
  t.is(batches.length, 3)
  for (const { end } of batches) end()
  t.deepEqual(await Promise.all(answers), ['A', 'B', 'C'])
})
