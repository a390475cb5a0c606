import test from 'ava'
import { type Settings, changeSettings } from '../../src/workspace/workspace.ts'

const starter: Settings = {
  plan: 'starter',
  syncDay: 'monday',
  filters: { includeTags: ['a'], excludeTags: ['b'], includeGroupIds: [1] },
  quotaShare: 0.3,
  freshness: 'scheduled',
}
const promptPro: Settings = { ...starter, plan: 'pro', freshness: 'prompt' }

test('a change without names changes nothing', (t) => {
  t.deepEqual(changeSettings(promptPro, {}), promptPro)
})

test('a change touches only what it names', (t) => {
  t.deepEqual(changeSettings(starter, { excludeTags: [], syncDay: 'friday' }), {
    ...starter,
    syncDay: 'friday',
    filters: { ...starter.filters, excludeTags: [] },
  })
})

test('a share of null goes back to the configured one', (t) => {
  t.deepEqual(changeSettings(starter, { quotaShare: null }), { ...starter, quotaShare: null })
})

test('prompt freshness is refused on starter', (t) => {
  t.is(changeSettings(starter, { freshness: 'prompt' }), 'refused')
  t.is(changeSettings(promptPro, { plan: 'starter', freshness: 'prompt' }), 'refused')
})

test('prompt freshness comes with a move to pro', (t) => {
  t.deepEqual(changeSettings(starter, { plan: 'pro', freshness: 'prompt' }), {
    ...starter,
    plan: 'pro',
    freshness: 'prompt',
  })
})

test('a move to starter falls back to scheduled freshness', (t) => {
  t.deepEqual(changeSettings(promptPro, { plan: 'starter' }), {
    ...promptPro,
    plan: 'starter',
    freshness: 'scheduled',
  })
})
