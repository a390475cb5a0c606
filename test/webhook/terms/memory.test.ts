import test from 'ava'
import { Memory } from '../../../src/webhook/terms/memory.ts'

test('a value is known until it is too old', (t) => {
  const memory = new Memory<string>(10)
  memory.set('a', 'x', 1_000)

  t.is(memory.get('a', 1_000), 'x')
  t.is(memory.get('a', 1_001), undefined)
  t.is(memory.get('b', 0), undefined)
})

test('what is forgotten is not known, one or all', (t) => {
  const memory = new Memory<number>(4)
  for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) memory.set(key, index, 0)

  memory.forget('a')
  t.is(memory.get('a', 0), undefined)
  t.is(memory.get('d', 0), 3)
  memory.forgetAll()
  t.deepEqual(
    ['b', 'c', 'd'].map((key) => memory.get(key, 0)),
    [undefined, undefined, undefined],
  )
})

test('who is asked for stays, whatever else comes', (t) => {
  const memory = new Memory<number>(100)
  memory.set('kept', 1, 0)

  for (let index = 0; index < 10_000; index++) {
    memory.set(`other ${index}`, index, 0)
    t.is(memory.get('kept', 0), 1)
  }

  const known = Array.from({ length: 10_000 }, (_, index) => memory.get(`other ${index}`, 0))
  t.true(known.filter((value) => value !== undefined).length <= 100)
  t.is(memory.get('other 9999', 0), 9_999)
})

test('a new value takes the place of the old one in either generation', (t) => {
  const memory = new Memory<number>(4)
  for (const key of ['a', 'b', 'c']) memory.set(key, 1, 0)

  memory.set('a', 2, 5)

  t.is(memory.get('a', 5), 2)
  memory.forget('a')
  t.is(memory.get('a', 0), undefined)
})
