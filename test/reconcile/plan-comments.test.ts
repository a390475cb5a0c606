import test from 'ava'
import { type PageFacts, planPage } from '../../src/reconcile/plan-comments.ts'
import { addPage, planOf } from '../../src/run/plan.ts'

const pace = { account: 200, incremental: 5 }
const facts: PageFacts = {
  needing: 1000,
  whole: 1000,
  rows: 1000,
  isRead: false,
  eventsRead: 0,
  rowsRead: 0,
  isCareful: false,
}

const chooses = test.macro({
  exec: (t, given: Partial<PageFacts>, channel: 'events' | 'comments') => {
    t.is(planPage({ ...facts, ...given }, pace).channel, channel)
  },
  title: (given = '') => given,
})
test('a full page is read from the event stream', chooses, {}, 'events')
test('a few tickets are read one by one', chooses, { needing: 8, whole: 8 }, 'comments')
test(
  'a few tickets are read from the stream if it was read that far',
  chooses,
  { needing: 8, whole: 8, isRead: true },
  'events',
)
test('without a history that is whole there is only one way', chooses, { whole: 0 }, 'comments')
test(
  'a stream that has fallen far behind is left alone',
  chooses,
  { needing: 100, whole: 100, rows: 50_000 },
  'comments',
)
test(
  'what was learnt of the account counts more than what was assumed',
  chooses,
  { needing: 150, whole: 150, rows: 1000, rowsRead: 1000, eventsRead: 200_000 },
  'comments',
)
test('in the careful way everything is read one by one', chooses, { isCareful: true }, 'comments')

test('the sums of both ways are given, in requests and in minutes of our share', (t) => {
  const { ways } = planPage(facts, pace)

  t.deepEqual(ways.comments, { requests: 1000, minutes: 5 })
  // Ten pages of events; six requests for roles and fifty tickets to confirm beside them.
  t.deepEqual(ways.events, { requests: 66, minutes: 2 })
})

test('an import aims at time, what a slot asks for at few requests, unless the run says otherwise', (t) => {
  t.is(planOf({}, 'backfill').aim, 'fast')
  t.is(planOf({}, 'sync').aim, 'frugal')
  t.is(planOf({ aim: 'frugal' }, 'backfill').aim, 'frugal')
})

test('a plan adds up what was chosen page by page', (t) => {
  const page = { ...planPage(facts, pace), tickets: { events: 950, comments: 50 } }

  const plan = addPage(addPage(planOf({}, 'sync'), page), page)

  t.deepEqual(plan.pages, { events: 2, comments: 0 })
  t.deepEqual(plan.tickets, { events: 1900, comments: 100 })
  t.deepEqual(plan.projected.comments, { requests: 2000, minutes: 10 })
})
