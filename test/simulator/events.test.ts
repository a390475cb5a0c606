import test from 'ava'
import { commentsOf, deskWith, rowsOf } from './support.ts'
import type { Desk, Json } from './support.ts'

const EVENTS = '/api/v2/incremental/ticket_events.json'
const ALL = 'support_type_scope=all'

/** Every event, each once, as a careful reader collects them. */
async function eventsOf(desk: Desk, query: string): Promise<Json[]> {
  const events = new Map<unknown, Json>()
  for (let start = 0; ;) {
    const { json } = await desk.get(`${EVENTS}?start_time=${start}&${query}`)
    for (const event of rowsOf(json, 'ticket_events')) events.set(event['id'], event)
    if (json['end_of_stream'] === true) return [...events.values()]
    start = Number(json['end_time'])
  }
}

const commentIn = (event: Json | undefined): Json =>
  rowsOf(event ?? {}, 'child_events').find((child) => child['event_type'] === 'Comment') ?? {}

test('events come in time order and hold each comment once', async (t) => {
  const desk = await deskWith(t, { tickets: 60, shape: { deletedShare: 0, bigTickets: 0 } })
  const events = await eventsOf(desk, `per_page=50&include=comment_events&${ALL}`)
  const times = events.map((event) => Number(event['timestamp']))
  const fromEvents = events.map((event) => Number(commentIn(event)['id']))
  const fromTickets: number[] = []
  for (let id = 1; id <= 60; id++) {
    fromTickets.push(...(await commentsOf(desk, id)).map((comment) => Number(comment['id'])))
  }

  t.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  t.is(fromEvents.length, fromTickets.length)
  t.is(new Set(fromEvents).symmetricDifference(new Set(fromTickets)).size, 0)
})

test('with the sideload a comment comes as the comments endpoint gives it, but for its metadata', async (t) => {
  const desk = await deskWith(t, { tickets: 20, shape: { deletedShare: 0 } })
  const events = await eventsOf(desk, `include=comment_events&${ALL}`)
  const event = events.find((entry) => entry['ticket_id'] === 5)
  const { event_type: type, via_reference_id: reference, ...comment } = commentIn(event)
  const { metadata: _, ...expected } = (await commentsOf(desk, 5))[0] ?? {}

  t.deepEqual(comment, expected)
  t.is(type, 'Comment')
  t.is(reference, null)
  t.is(typeof event?.['via'], 'string')
  t.is(event?.['event_type'], 'Audit')
  t.is(expected['audit_id'], event?.['id'])
})

test('without the sideload a comment is only announced', async (t) => {
  const desk = await deskWith(t, { tickets: 20, shape: { deletedShare: 0 } })
  const [event] = await eventsOf(desk, ALL)
  const comment = commentIn(event)

  t.deepEqual(Object.keys(comment).toSorted(), [
    'comment_present',
    'comment_public',
    'event_type',
    'id',
    'via',
    'via_reference_id',
  ])
  t.is(comment['comment_present'], true)
})

test('the first event of a ticket sets its fields, later ones change them', async (t) => {
  const desk = await deskWith(t, { tickets: 20, shape: { deletedShare: 0 } })
  const events = (await eventsOf(desk, ALL)).filter((event) => event['ticket_id'] === 5)
  const created = rowsOf(events[0] ?? {}, 'child_events')

  t.true(created.some((child) => 'subject' in child && child['event_type'] === 'Create'))
  const tags = created.find((child) => 'tags' in child)
  t.deepEqual(tags?.['added_tags'], tags?.['tags'])
  t.is(new Set(created.map((child) => child['id'])).size, created.length)
})

test('privacy changes and redactions are events of their own, later', async (t) => {
  const desk = await deskWith(t, { tickets: 20, shape: { deletedShare: 0 } })
  await desk.simulator.mutate('acme', { kind: 'add_comment', ticketId: 5, isPublic: true })
  const index = (await commentsOf(desk, 5)).length - 1
  await desk.simulator.mutate('acme', { kind: 'make_private', ticketId: 5, index })
  await desk.simulator.mutate('acme', { kind: 'redact', ticketId: 5, index })
  await desk.simulator.advanceClock(61_000)
  const events = (await eventsOf(desk, `include=comment_events&${ALL}`)).slice(-3)
  const id = (await commentsOf(desk, 5)).at(-1)?.['id']
  const child = (place: number): Json => rowsOf(events[place] ?? {}, 'child_events')[0] ?? {}

  t.like(child(0), { id, event_type: 'Comment', public: true })
  t.like(child(1), { comment_id: id, event_type: 'CommentPrivacyChange', public: false })
  t.like(child(2), { comment_id: id, event_type: 'CommentRedactionEvent' })
})

test('the last minute is hidden, and a page of one second steps one on', async (t) => {
  const desk = await deskWith(t, { tickets: 0 })
  await desk.simulator.mutate('acme', { kind: 'create' })
  const hidden = (await desk.get(`${EVENTS}?start_time=0`)).json
  await desk.simulator.advanceClock(61_000)
  const shown = (await desk.get(`${EVENTS}?start_time=0`)).json
  const [event] = rowsOf(shown, 'ticket_events')

  t.deepEqual(hidden['ticket_events'], [])
  t.is(shown['count'], 1)
  t.is(shown['end_time'], Number(event?.['timestamp']) + 1)
  t.regex(String(shown['next_page']), /ticket_events\.json\?start_time=\d+/)
})

test('a scrubbed ticket takes its events along', async (t) => {
  const desk = await deskWith(t, { tickets: 20, shape: { deletedShare: 0 } })
  await desk.simulator.mutate('acme', { kind: 'delete', ticketId: 5 })
  const before = await eventsOf(desk, ALL)
  await desk.simulator.mutate('acme', { kind: 'delete_permanently', ticketId: 5 })
  const after = await eventsOf(desk, ALL)

  t.true(before.some((event) => event['ticket_id'] === 5))
  t.false(after.some((event) => event['ticket_id'] === 5))
})
