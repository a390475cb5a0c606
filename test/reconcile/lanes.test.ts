import test from 'ava'
import { type Lanes, takeBack, takeFront } from '../../src/reconcile/lanes/lanes.ts'
import { randomFrom } from '../support/random.ts'
import { aTicket, at } from '../support/zendesk-rows.ts'

const ticketAt = (ms: number) => aTicket({ generatedAt: at(new Date(ms).toISOString()) })

test('one reader stops where the other has taken up what follows', (t) => {
  const lanes: Lanes = { front: 0, back: 3_000 }

  const mine = takeFront(lanes, [1_000, 2_000, 3_000, 4_000].map(ticketAt))

  t.is(mine.length, 2)
  t.is(lanes.front, 2_000)
})

test('a chunk never goes back to a second that the other reader is at', (t) => {
  const lanes: Lanes = { front: 5_000, back: 8_000 }

  t.deepEqual(takeBack(lanes, { density: 0.001, most: 400 }), { from: 6_000, until: 8_000 })
  t.is(takeBack(lanes, { density: 0.001, most: 400 }), undefined)
})

test('a chunk holds what a slice can read, and less as the readers draw near', (t) => {
  const lanes: Lanes = { front: 0, back: 10_000_000 }
  const density = 1 / 1_000
  const sizes: number[] = []

  for (let size = takeBack(lanes, { density, most: 400 }); size !== undefined;) {
    sizes.push((size.until - size.from) * density)
    size = takeBack(lanes, { density, most: 400 })
  }

  t.is(sizes[0], 400)
  t.true((sizes.at(-1) ?? 400) <= 51)
  t.is(Math.round(sizes.reduce((sum, size) => sum + size, 0)), 9_999)
})

test('two readers take up each second of a window once, in whatever order they come by', (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomFrom(seed)
    const seconds = Array.from({ length: 300 }, () => 1_000 * (1 + Math.floor(random() * 200)))
    const rows = seconds.sort((a, b) => a - b).map(ticketAt)
    const lanes: Lanes = { front: 0, back: 201_000 }
    const taken: number[] = []
    let place = 0
    let isBackDone = false
    for (let isFrontDone = false; !isFrontDone || !isBackDone;) {
      if (random() < 0.5 && !isFrontDone) {
        const page = rows.slice(place, place + 7)
        const mine = takeFront(lanes, page)
        taken.push(...mine.map((row) => row.generatedAt.toMillis()))
        place += mine.length
        isFrontDone = mine.length < page.length || place === rows.length
      } else {
        const chunk = takeBack(lanes, { density: 0.001 + random() / 100, most: 40 })
        if (chunk === undefined) isBackDone = true
        else taken.push(...seconds.filter((it) => it >= chunk.from && it < chunk.until))
      }
    }
    t.deepEqual(
      taken.sort((a, b) => a - b),
      seconds,
      `seed ${seed}`,
    )
  }
})
