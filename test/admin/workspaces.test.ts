import test from 'ava'
import { type TestWeb, startTestWeb, stateOf } from '../support/web.ts'

const defaults = {
  plan: 'starter',
  sync_day: 'monday',
  zendesk_include_tags: [],
  zendesk_exclude_tags: [],
  zendesk_include_group_ids: [],
  quota_share: null,
  freshness: 'scheduled',
}

const put = ({ ask }: TestWeb, id: string, json: unknown) =>
  ask('PUT', `/admin/workspaces/${id}`, { json })

test('a workspace begins with the default settings, and with a feed', async (t) => {
  const web = await startTestWeb(t)

  const made = await put(web, 'w1', {})

  t.is(made.status, 201)
  t.like(made.json, { id: 'w1', ...defaults })
  t.regex(String(made.at('created_at')), /^\d{4}-\d\d-\d\dT.*Z$/)
  t.deepEqual(await web.db.selectFrom('feed').selectAll().execute(), [
    { workspaceId: 'w1', lastSequence: 0, prunedThrough: 0 },
  ])
})

test('a workspace can be made without a body', async (t) => {
  const { ask } = await startTestWeb(t)

  t.is((await ask('PUT', '/admin/workspaces/w1')).status, 201)
})

test('all settings are kept and shown again', async (t) => {
  const web = await startTestWeb(t)
  const settings = {
    plan: 'enterprise',
    sync_day: 'sunday',
    zendesk_include_tags: ['VIP', 'beta_programme', 'ünïcode', 'quote\'"\\,{}'],
    zendesk_exclude_tags: ['spam'],
    zendesk_include_group_ids: [360001234567, 1],
    quota_share: 0.25,
    freshness: 'prompt',
  }

  t.like((await put(web, 'w1', settings)).json, settings)
  t.like((await web.ask('GET', '/admin/workspaces/w1')).json, settings)
})

test('a change touches only what it names', async (t) => {
  const web = await startTestWeb(t)
  const first = { ...defaults, plan: 'pro', zendesk_include_tags: ['a'], quota_share: 0.1 }
  await put(web, 'w1', first)

  const changed = await put(web, 'w1', { sync_day: 'friday' })
  t.is(changed.status, 200)
  t.like(changed.json, { ...first, sync_day: 'friday' })

  const emptied = await put(web, 'w1', { zendesk_include_tags: [], quota_share: null })
  t.like(emptied.json, { ...defaults, plan: 'pro', sync_day: 'friday' })
})

test('changes at the same time all count', async (t) => {
  const web = await startTestWeb(t)

  const answers = await Promise.all([
    put(web, 'w1', { plan: 'pro' }),
    put(web, 'w1', { sync_day: 'tuesday' }),
    put(web, 'w1', { quota_share: 0.7 }),
    put(web, 'w1', { zendesk_exclude_tags: ['x'] }),
  ])

  const statuses = answers.map((answer) => answer.status)
  t.is(statuses.filter((status) => status === 201).length, 1)
  t.is(statuses.filter((status) => status === 200).length, 3)
  t.like((await web.ask('GET', '/admin/workspaces/w1')).json, {
    ...defaults,
    plan: 'pro',
    sync_day: 'tuesday',
    quota_share: 0.7,
    zendesk_exclude_tags: ['x'],
  })
})

const bad: readonly (readonly [body: unknown, detail: RegExp])[] = [
  [{ plan: 'gold' }, /^plan: /],
  [{ plan: null }, /^plan: /],
  [{ sync_day: 'Monday' }, /^sync_day: /],
  [{ freshness: 'now' }, /^freshness: /],
  [{ freshness: 'prompt' }, /^freshness: .*pro and enterprise/],
  [{ quota_share: 0.04 }, /^quota_share: /],
  [{ quota_share: 1.01 }, /^quota_share: /],
  [{ quota_share: '0.5' }, /^quota_share: /],
  [{ zendesk_include_tags: 'vip' }, /^zendesk_include_tags: /],
  [{ zendesk_include_tags: [''] }, /^zendesk_include_tags\.0: /],
  [{ zendesk_exclude_tags: [7] }, /^zendesk_exclude_tags\.0: /],
  [{ zendesk_exclude_tags: ['a\0'] }, /^zendesk_exclude_tags\.0: .*NUL/],
  [{ zendesk_exclude_tags: ['a\ud800'] }, /^zendesk_exclude_tags\.0: .*half of a character/],
  [{ zendesk_exclude_tags: ['x'.repeat(256)] }, /^zendesk_exclude_tags\.0: /],
  [{ zendesk_include_group_ids: ['7'] }, /^zendesk_include_group_ids\.0: /],
  [{ zendesk_include_group_ids: [0] }, /^zendesk_include_group_ids\.0: /],
  [{ zendesk_include_group_ids: [1.5] }, /^zendesk_include_group_ids\.0: /],
  [{ zendesk_include_group_ids: [2 ** 53] }, /^zendesk_include_group_ids\.0: /],
  [{ colour: 'red' }, /^colour: unknown field$/],
  [[], /expected object/],
]

test('what cannot be accepted is named by field and changes nothing', async (t) => {
  const web = await startTestWeb(t)
  await put(web, 'w1', {})
  const before = await stateOf(web.db)

  for (const [body, detail] of bad) {
    for (const id of ['w1', 'w2']) {
      const answer = await put(web, id, body)
      t.is(answer.status, 422, JSON.stringify(body))
      t.is(answer.at('error.code'), 'invalid_input')
      t.regex(String(answer.at('error.details.0')), detail)
    }
  }
  t.deepEqual(await stateOf(web.db), before)
})

test('all mistakes of a body are told at once', async (t) => {
  const web = await startTestWeb(t)

  const answer = await put(web, 'w1', { plan: 'gold', sync_day: 'someday', colour: 'red', size: 7 })

  const details = answer.at('error.details') as string[]
  const fields = details.map((detail) => detail.split(':')[0])
  t.deepEqual(fields, ['plan', 'sync_day', 'colour', 'size'])
})

test('a move to starter falls back to scheduled freshness', async (t) => {
  const web = await startTestWeb(t)
  await put(web, 'w1', { plan: 'pro', freshness: 'prompt' })

  const refused = await put(web, 'w1', { plan: 'starter', freshness: 'prompt' })
  t.is(refused.status, 422)

  const moved = await put(web, 'w1', { plan: 'starter' })
  t.is(moved.status, 200)
  t.is(moved.at('freshness'), 'scheduled')
})

test('an id that cannot be one is refused when made and unknown when read', async (t) => {
  const { ask } = await startTestWeb(t)

  for (const id of ['-a', '.a', 'a%20b', 'a%00b', '%E0%A4%A', 'ü', 'x'.repeat(129)]) {
    const made = await ask('PUT', `/admin/workspaces/${id}`)
    t.is(made.status, 422, id)
    t.regex(String(made.at('error.details.0')), /^workspace_id: /)
    t.is((await ask('GET', `/admin/workspaces/${id}`)).status, 404, id)
  }
  t.is((await ask('PUT', `/admin/workspaces/${'x'.repeat(128)}`)).status, 201)
})

test('the list is paged and misses nobody', async (t) => {
  const { ask } = await startTestWeb(t)
  const ids = ['Z', 'a-1', 'a.2', 'a_3', 'b', 'c']
  for (const id of ids) await ask('PUT', `/admin/workspaces/${id}`)

  const found: string[] = []
  let path = '/admin/workspaces?limit=2'
  for (let pages = 0; path !== '' && pages < 10; pages++) {
    const answer = await ask('GET', path)
    t.is(answer.status, 200)
    const data = answer.at('data') as { id: string }[]
    t.true(data.length <= 2)
    found.push(...data.map(({ id }) => id))
    const cursor = answer.at('next_cursor') as string | null
    path = cursor === null ? '' : `/admin/workspaces?limit=2&cursor=${cursor}`
  }

  t.deepEqual(found.toSorted(), ids.toSorted())
})

test('a list that ends with a full page says so', async (t) => {
  const { ask } = await startTestWeb(t)
  await ask('PUT', '/admin/workspaces/a')
  await ask('PUT', '/admin/workspaces/b')

  t.is((await ask('GET', '/admin/workspaces?limit=2')).at('next_cursor'), null)
  t.is((await ask('GET', '/admin/workspaces?limit=1')).at('data.length'), 1)
})

test('a page out of bounds or behind an unknown cursor is refused', async (t) => {
  const { ask } = await startTestWeb(t)

  const malformed = ['limit=x', 'limit=-1', 'limit=1e2', 'limit=1&limit=2']
  for (const query of [...malformed, 'cursor=%00', 'cursor=!!', 'cursor=a&cursor=b']) {
    const answer = await ask('GET', `/admin/workspaces?${query}`)
    t.is(answer.status, 400, query)
    t.is(answer.at('error.code'), 'malformed')
  }
  for (const query of ['limit=0', 'limit=201']) {
    const answer = await ask('GET', `/admin/workspaces?${query}`)
    t.is(answer.status, 422, query)
    t.is(answer.at('error.code'), 'invalid_input')
  }
  t.is((await ask('GET', '/admin/workspaces?limit=&cursor=')).status, 200)
})

test('only a change of the plan or the day moves the instant from which its slots count', async (t) => {
  const web = await startTestWeb(t)
  const since = new Date('2026-01-01T00:00:00Z')
  const history = async () => {
    const columns = ['scheduledSince', 'earlierSlot'] as const
    return web.db.selectFrom('workspace').select(columns).executeTakeFirstOrThrow()
  }
  await put(web, 'w1', { plan: 'pro' })
  await web.db.updateTable('workspace').set({ scheduledSince: since }).execute()

  await put(web, 'w1', { plan: 'pro', quota_share: 0.3, freshness: 'prompt' })
  const kept = await history()
  await put(web, 'w1', { plan: 'starter' })
  const moved = await history()

  t.deepEqual([kept.scheduledSince.toMillis(), kept.earlierSlot], [since.getTime(), null])
  t.true(Math.abs(moved.scheduledSince.diffNow().as('seconds')) < 600)
  const hours = moved.scheduledSince.diff(moved.earlierSlot ?? moved.scheduledSince).as('hours')
  t.true(moved.earlierSlot !== null && hours >= 0 && hours < 24)
  t.regex(moved.earlierSlot?.toISO() ?? '', /T04:00:00\.000Z$/)
})
