import test from 'ava'
import type { Lanes } from '../../src/reconcile/lanes/lanes.ts'
import { lanesOnce } from '../../src/reconcile/lanes/lanes-once.ts'
import { findBackLane } from '../../src/reconcile/lanes/store.ts'
import { anImport } from '../support/pass.ts'
import { EXPORT, exportJson, ticketJson } from '../support/zendesk-json.ts'

test('far more tickets than expected are left to the reader from the start', async (t) => {
  const { db, host, pass, deps } = await anImport(t)
  const inOneSecond = (seconds: number) =>
    Array.from({ length: 1_000 }, (_, index) =>
      ticketJson({ id: index + 1, generated_timestamp: seconds }),
    )
  let from = 0
  let pages = 0
  host
    .persist()
    .get(EXPORT)
    .query(true)
    .reply((request: Request) => {
      from ||= Number(new URL(request.url).searchParams.get('start_time'))
      pages += 1
      return [200, exportJson({ tickets: inOneSecond(from), after_cursor: `page ${pages}` })]
    })
  const seen: Lanes[] = []
  const frontPage = (lanes: Lanes) => {
    lanes.density ||= 1 / 1_000
    lanes.onTaken?.(true)
    seen.push(lanes)
    return Promise.resolve('met' as const)
  }

  t.is(await lanesOnce(deps, pass, frontPage), 'slice over')

  t.true(pages < 10, `${pages} pages`)
  const lane = await findBackLane(db, pass.integration.id)
  t.is(lane?.doneFrom.toMillis(), lane?.endsAt.toMillis())
  t.is(seen[0]?.back, lane?.endsAt.toMillis())
})

test('a slice that is over waits for no chunk', async (t) => {
  const { db, host, pass, deps } = await anImport(t)
  let pages = 0
  host
    .persist()
    .get(EXPORT)
    .query(true)
    .reply(() => {
      pages += 1
      return [200, exportJson({ tickets: [], after_cursor: `page ${pages}` })]
    })
  const frontPage = (lanes: Lanes) => {
    lanes.density ||= 1 / 1_000
    lanes.onTaken?.(true)
    return Promise.resolve('met' as const)
  }

  t.is(await lanesOnce(deps, { ...pass, isOver: () => pages > 1 }, frontPage), 'slice over')

  t.is(pages, 2)
  t.truthy(await findBackLane(db, pass.integration.id))
})
