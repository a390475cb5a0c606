import test from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, unaccounted, untilRunsEnd } from '../support/truth.ts'

/** What a customer wrote, and what is published of it. */
const texts: readonly (readonly [written: string, published: string])[] = [
  ['before \0 after', 'before  after'],
  ['\0\0\0', ''],
  ['half \ud83e of a fox', 'half \ufffd of a fox'],
  ['\udd8a the other half', '\ufffd the other half'],
  ['a whole 🦊, a family 👩‍👩‍👧', 'a whole 🦊, a family 👩‍👩‍👧'],
  ['שלום \u202eevil\u202c مرحبا', 'שלום \u202eevil\u202c مرحبا'],
  ['line\u2028separators\u2029and \u0001 \u001b[31m \u007f', 'separators'],
  [
    String.raw`back\slash "quotes" \u0000 'n' $1 {"a":[null]}`,
    String.raw`back\slash "quotes" \u0000`,
  ],
  ["'; drop table ticket; --", "'; drop table ticket; --"],
  ['<script>alert(1)</script> & &amp; &#0; &#xD800;', 'alert(1)'],
  ['x'.repeat(65_536), 'x'.repeat(65_536)],
  ['🦊'.repeat(16_384), '🦊'.repeat(16_384)],
]

const strange = ['a\0b', '\ud800', 'z'.repeat(300), '🦊', "it's", '{}', 'null', '"', '\\', ',']

test('text of any kind is imported, and stored as the database can hold it', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 30,
        days: 80,
        shape: { hugeTickets: 1, deletedShare: 0, messagingShare: 0, privateFromFirstShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  for (const [index, [text]] of texts.entries()) {
    await simulator.mutate('acme', { kind: 'add_comment', ticketId: 10 + index, text })
  }
  const created = await simulator.mutate('acme', {
    kind: 'create',
    subject: strange.join(' '),
    tags: strange,
  })
  // The export hides its last minute.
  await simulator.advanceClock(2_000)
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  await connect('acme')
  startWorker(t, config)

  const [run] = await untilRunsEnd(db)

  t.like(run, { state: 'done', attempts: 0, quarantined: 0 })
  t.is(unaccounted(run!), 0)
  const feed = await wholeFeed(api)
  t.deepEqual(differencesFrom(simulator, 'acme', feed), [])
  const published = new Map(feed.map(({ transcript }) => [transcript.ticket.id, transcript]))
  for (const [index, [written, expected]] of texts.entries()) {
    const text = published.get(10 + index)?.turns.at(-1)?.text ?? ''
    t.true(
      text.includes(expected),
      `${JSON.stringify(written.slice(0, 40))} became ${text.slice(0, 99)}`,
    )
  }
  const { ticket } = published.get(created.ticketId ?? 0) ?? {}
  t.is(ticket?.subject, strange.join(' ').replaceAll('\0', '').toWellFormed())
  const row = await db
    .selectFrom('ticket')
    .select('tags')
    .where('ticketId', '=', created.ticketId ?? 0)
    .executeTakeFirstOrThrow()
  t.deepEqual(
    row.tags,
    strange.map((tag) => tag.replaceAll('\0', '').toWellFormed()),
  )
  t.true(feed.some(({ transcript }) => transcript.turns.length > 2_000))
})
