import test from 'ava'
import { gather } from '../../src/reconcile/gather.ts'

const never = (): boolean => false

async function collect<T, R>(
  generator: AsyncGenerator<T, R>,
): Promise<{ portions: T[]; value: R | undefined; error: unknown }> {
  const portions: T[] = []
  try {
    for (;;) {
      const next = await generator.next()
      if (next.done === true) return { portions, value: next.value, error: undefined }
      portions.push(next.value)
    }
  } catch (error) {
    return { portions, value: undefined, error }
  }
}

function items(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

test('every item is worked on once and handed out once', async (t) => {
  const limits = { concurrency: 4, isFull: (r: readonly number[]) => r.length >= 7, isOver: never }

  const { portions, value } = await collect(gather(items(100), async (item) => item, limits))

  t.deepEqual(
    portions.flat().sort((a, b) => a - b),
    items(100),
  )
  t.true(portions.length > 10)
  t.true(value)
})

test('no more than the given number of items are in flight', async (t) => {
  let inFlight = 0
  let most = 0
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++inFlight)
    await new Promise(setImmediate)
    inFlight--
    return item
  }

  await collect(gather(items(50), work, { concurrency: 5, isFull: never, isOver: never }))

  t.is(most, 5)
})

test('an error stops new items, but what was finished is handed out before it is thrown', async (t) => {
  const failure = new Error('down')
  const started: number[] = []
  const work = async (item: number): Promise<number> => {
    started.push(item)
    await new Promise(setImmediate)
    if (item === 10) throw failure
    return item
  }

  const result = await collect(
    gather(items(1000), work, { concurrency: 4, isFull: never, isOver: never }),
  )

  t.is(result.error, failure)
  t.true(started.length < 30)
  t.deepEqual(
    result.portions.flat().sort((a, b) => a - b),
    started.filter((item) => item !== 10),
  )
})

test('when time is over the rest is left, and the end says so', async (t) => {
  let asked = 0
  const isOver = (): boolean => asked++ >= 12

  const { portions, value } = await collect(
    gather(items(100), async (item) => item, { concurrency: 3, isFull: never, isOver }),
  )

  t.deepEqual(portions.flat(), items(12))
  t.false(value)
})

test('no items end at once and count as complete', async (t) => {
  const { portions, value } = await collect(
    gather([], async (item) => item, { concurrency: 3, isFull: never, isOver: never }),
  )

  t.deepEqual(portions, [])
  t.true(value)
})
