import test, { type ExecutionContext } from 'ava'
import { readCursor } from '../../src/cursor/store.ts'
import { pageOnce } from '../../src/reconcile/page-once.ts'
import { anImport } from '../support/pass.ts'
import { EXPORT, exportJson, ticketJson } from '../support/zendesk-json.ts'

/** Where each cursor leads: the third one back to the first. */
const circle = new Map([
  ['a', 'b'],
  ['b', 'c'],
  ['c', 'a'],
])

/** An import whose account answers with cursors that lead in a circle. */
async function importInCircles(t: ExecutionContext, tickets: readonly object[]) {
  const { db, host, pass, deps } = await anImport(t)
  const asked: (string | null)[] = []
  host
    .persist()
    .get(EXPORT)
    .query(true)
    .reply((request: Request) => {
      const cursor = new URL(request.url).searchParams.get('cursor')
      asked.push(cursor)
      const next = circle.get(cursor ?? 'c')
      return [200, exportJson({ tickets: cursor === null ? tickets : [], after_cursor: next })]
    })
  return {
    asked,
    page: () => pageOnce(deps, pass),
    cursor: () => readCursor(db, pass.integration.id),
  }
}

async function pages(count: number, page: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done++) await page()
}

test('cursors that lead in a circle halt', async (t) => {
  const { asked, page } = await importInCircles(t, [])

  const halts = { code: 'ERR_ZENDESK_SHAPE', message: /lead in a circle/ }
  await t.throwsAsync(() => pages(20, page), halts)

  t.true(asked.length <= 3 * circle.size)
})

test('a circle is left once, for the newest instant seen, if that leads on', async (t) => {
  const { asked, page, cursor } = await importInCircles(t, [ticketJson({ status: 'deleted' })])

  await t.throwsAsync(() => pages(20, page), { message: /lead in a circle/ })

  t.is(asked.filter((it) => it === null).length, 2)
  t.is((await cursor())?.startAt.toISO(), '2026-01-02T00:00:05.000Z')
})
