import test from 'ava'
import type { SettingsPatch } from '../../src/simulator/options.ts'
import {
  countIn,
  refusals,
  spentOn,
  startImports,
  untilClock,
  untilSpending,
} from '../support/spending.ts'

test('the workers yield to others on the account, and come back when those stop', async (t) => {
  const minuteMs = 12_000
  await using simulator = await startImports(t, { minuteMs, workers: 2 })
  const setOthers = async (others: number): Promise<number> => {
    const patch: SettingsPatch = { rates: { others } }
    await simulator.setAccount('acme', patch)
    return simulator.now()
  }

  const startedAt = await untilSpending(simulator, 'acme')
  await untilClock(simulator, startedAt + 1.1 * minuteMs)
  const beganAt = await setOthers(300)
  await untilClock(simulator, beganAt + 2.2 * minuteMs)
  const endedAt = await setOthers(0)
  await untilClock(simulator, endedAt + 2.1 * minuteMs)
  const requests = await spentOn(simulator, 'acme')

  const besides = countIn(requests, endedAt - minuteMs, minuteMs)
  const after = countIn(requests, endedAt + 1.1 * minuteMs, minuteMs)
  const together = requests.map(({ at }) => {
    const others = Math.max(0, Math.min(at + minuteMs, endedAt) - Math.max(at, beganAt))
    return countIn(requests, at, minuteMs) + (300 * others) / minuteMs
  })
  const most = Math.ceil(Math.max(...together))
  t.log(`besides others: ${besides}, after them: ${after}, together at most: ${most}`)
  t.true(besides <= 100, `${besides} besides others`)
  t.true(most <= 400, `${most} together`)
  t.true(after >= 150, `${after} after others`)
  t.deepEqual(await refusals(simulator), [])
})
