import test from 'ava'
import {
  countIn,
  peak,
  refusals,
  spentOn,
  startImports,
  untilClock,
  untilSpending,
} from '../support/spending.ts'

test('four workers spend the share of an account that two workspaces import, and no more', async (t) => {
  const minuteMs = 24_000
  await using simulator = await startImports(t, { minuteMs, workers: 4 })

  const startedAt = await untilSpending(simulator, 'acme')
  await untilClock(simulator, startedAt + 2.1 * minuteMs)
  const requests = await spentOn(simulator, 'acme')
  const pages = (await spentOn(simulator, 'pages')).filter(({ family }) => family === 'incremental')

  const inMinutes = [0, 0.5, 1].map((minute) =>
    countIn(requests, startedAt + minute * minuteMs, minuteMs),
  )
  t.log(
    `requests in the minutes from each half minute on: ${inMinutes.join(', ')}; peak: ${peak(requests, minuteMs)}`,
  )
  t.log(`exports of small pages in any minute: ${peak(pages, minuteMs)} of ${pages.length}`)
  const most = peak(requests, minuteMs)
  for (const count of inMinutes) t.true(count >= 0.95 * 200, `${count} of 200`)
  t.true(most <= 200, `${most} in a minute`)
  t.true(pages.length >= 8)
  t.true(peak(pages, minuteMs) <= 5, `${peak(pages, minuteMs)} exports in a minute`)
  t.deepEqual(await refusals(simulator), [])
})
