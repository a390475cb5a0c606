import test from 'ava'
import { FairQueue } from '../../../src/platform/batch/fair-queue.ts'

test('the first of each lane comes before the second of any', (t) => {
  const queue = new FairQueue<string>(100)
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.charAt(0), item)

  t.deepEqual(queue.take(4), ['a1', 'b1', 'c1', 'a2'])
  t.is(queue.size, 2)
  t.deepEqual(queue.take(10), ['c2', 'a3'])
  t.is(queue.size, 0)
  t.deepEqual(queue.take(1), [])
})

test('who comes in between two batches has a turn in the next one', (t) => {
  const queue = new FairQueue<string>(1_000)
  for (let index = 0; index < 400; index++) queue.push('flood', `f${index}`)
  queue.take(100)

  queue.push('quiet', 'q')

  t.true(queue.take(2).includes('q'))
})

test('a flood leaves room for others, and they for those after them', (t) => {
  const queue = new FairQueue<number>(1_000)
  const fill = (lane: string): number => {
    let count = 0
    while (queue.push(lane, count)) count += 1
    return count
  }

  t.is(fill('first'), 500)
  t.is(fill('second'), 250)
  t.is(fill('third'), 125)
  t.true(queue.push('fourth', 0))
  t.false(queue.push('first', 0))
  t.true(queue.size < 1_000)
})

test('the order of one lane is kept over any number of turns', (t) => {
  const queue = new FairQueue<number>(10_000)
  const taken: number[] = []
  let next = 0
  for (let turn = 0; turn < 500; turn++) {
    for (let index = 0; index < 7; index++) queue.push('a', next++)
    queue.push('b', -1)
    taken.push(...queue.take(8).filter((item) => item >= 0))
  }

  taken.push(...queue.take(10_000).filter((item) => item >= 0))
  t.deepEqual(
    taken,
    Array.from({ length: next }, (_, index) => index),
  )
})
