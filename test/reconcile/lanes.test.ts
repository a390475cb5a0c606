import test from 'ava'
import { type Lanes, partsOf, takeBack, takeFront } from '../../src/reconcile/lanes/lanes.ts'
import { randomFrom } from '../support/random.ts'
import { aTicket, at } from '../support/zendesk-rows.ts'

const ticketAt = (ms: number) => aTicket({ generatedAt: at(new Date(ms).toISOString()) })

const density = 1 / 1_000

test('one reader stops where the other has taken up what follows', (t) => {
  const lanes: Lanes = { front: 0, back: 3_000, density, page: 0 }

  const mine = takeFront(lanes, [1_000, 2_000, 3_000, 4_000].map(ticketAt))

  t.is(mine.length, 2)
  t.is(lanes.front, 2_000)
})

test('the first page tells how dense the window is', (t) => {
  const lanes: Lanes = { front: 0, back: Infinity, density: 0, page: 0 }

  takeFront(lanes, [10_000, 20_000, 30_000, 50_000].map(ticketAt))
  t.is(lanes.density, 4 / 40_000)

  takeFront(lanes, [60_000, 61_000].map(ticketAt))
  t.is(lanes.density, 4 / 40_000)
})

test('a chunk never goes back to a second that the other reader is at', (t) => {
  const lanes: Lanes = { front: 5_000, back: 8_000, density, page: 0 }

  lanes.density = 1
  t.deepEqual(takeBack(lanes, { share: 1, most: 9_000, inHand: 0 }), { from: 6_000, until: 8_000 })
  t.is(takeBack(lanes, { share: 1, most: 9_000, inHand: 0 }), undefined)
})

test('a chunk holds what can be read at once, and less as the readers draw near', (t) => {
  const lanes: Lanes = { front: 0, back: 10_000_000, density, page: 0 }
  const sizes: number[] = []

  for (let chunk = takeBack(lanes, { share: 0.25, most: 900, inHand: 0 }); chunk !== undefined;) {
    sizes.push((chunk.until - chunk.from) * density)
    chunk = takeBack(lanes, { share: 0.25, most: 900, inHand: 0 })
  }

  t.is(sizes[0], 900)
  t.true(sizes.every((size) => size >= 150))
  t.true((sizes.at(-1) ?? 900) < 200)
})

test('what is still to be read counts as taken', (t) => {
  const lanes: Lanes = { front: 0, back: 1_000_000, density, page: 0 }

  t.is(takeBack(lanes, { share: 0.5, most: 900, inHand: 600 }), undefined)
  const chunk = takeBack(lanes, { share: 0.5, most: 900, inHand: 100 })

  t.is((chunk!.until - chunk!.from) * density, 368)
})

test('a chunk is read from its end, in parts that no instant is divided by', (t) => {
  const instants = Array.from({ length: 500 }, (_, index) => 1_000 * (1 + Math.floor(index / 3)))

  const parts = partsOf({ from: 500, until: 200_000 }, instants.map(ticketAt))

  t.deepEqual(
    parts.map(({ tickets }) => tickets.length),
    [200, 201, 99],
  )
  t.is(parts.at(-1)?.from, 500)
  let until = Infinity
  for (const { from, tickets } of parts) {
    t.true(tickets.every((it) => it.generatedAt.toMillis() >= from))
    t.true(tickets.every((it) => it.generatedAt.toMillis() < until))
    until = from
  }
  t.deepEqual(partsOf({ from: 500, until: 200_000 }, []), [{ from: 500, tickets: [] }])
})

test('two readers that keep the pace that is expected of them end together', (t) => {
  const all = 30_000_000
  for (const share of [0.05, 0.2, 0.5, 0.8]) {
    const lanes: Lanes = { front: 0, back: all, density, page: 0 }
    for (let backMs = 0; ;) {
      const chunk = takeBack(lanes, { share, most: 900, inHand: 0 })
      if (chunk === undefined) break
      backMs += (chunk.until - chunk.from) / share
      lanes.front = Math.min(lanes.back, backMs * (1 - share))
    }
    const frontMs = lanes.back / (1 - share)
    t.true(frontMs >= all && frontMs < 1.05 * all, `${frontMs / all} at a share of ${share}`)
  }
})

test('two readers take up each second of a window once, in whatever order they come by', (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomFrom(seed)
    const seconds = Array.from({ length: 300 }, () => 1_000 * (1 + Math.floor(random() * 200)))
    const rows = seconds.sort((a, b) => a - b).map(ticketAt)
    const lanes: Lanes = { front: 0, back: 201_000, density, page: 0 }
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
        lanes.density = 0.001 + random() / 100
        const chunk = takeBack(lanes, { share: random(), most: 40, inHand: 0 })
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
