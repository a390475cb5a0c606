import test from 'ava'
import type { Publication } from '../../src/demo/api.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { tokenSource } from '../../src/simulator/world/tokens.ts'
import { type Ask, asking } from '../support/asking.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import { differencesFrom, gapsIn, lastWord, toldOf, until, untilRunsEnd } from '../support/truth.ts'

test('an account that is connected again goes on with its transcripts, and takes back what has gone', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 40,
        days: 60,
        shape: { deletedShare: 0, messagingShare: 0, bigTickets: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  const ask = asking(api)
  const truth = [...simulator.expectedTranscripts('acme', { from: new Date(0) })]
  const former = await connect('acme')
  startWorker(t, config)
  await untilRunsEnd(db)
  const before = await wholeFeed(api)
  t.deepEqual(differencesFrom(simulator, 'acme', before), [])
  const [deleted, wiped, excluded, answered, ...others] = truth.map(({ ticketId }) => ticketId)
  const place = (it: (typeof truth)[number], index: number): number =>
    tokenSource(it.comments[index]?.publicToken ?? '').index
  const rest = truth.filter(({ ticketId }) => others.includes(ticketId))
  const hidden = rest.find(({ comments }) => comments.length === 1)!
  const redacted = rest.find(({ comments }) => comments.length > 1)!
  const untouched = rest.find((it) => it !== hidden && it !== redacted)!

  await ask('DELETE', `/admin/integrations/${former}`)
  await simulator.mutate('acme', { kind: 'delete', ticketId: deleted! })
  await simulator.mutate('acme', { kind: 'delete', ticketId: wiped! })
  await simulator.mutate('acme', { kind: 'delete_permanently', ticketId: wiped! })
  await simulator.mutate('acme', { kind: 'set_tags', ticketId: excluded!, tags: ['secret'] })
  await simulator.mutate('acme', { kind: 'add_comment', ticketId: answered! })
  const hide = { kind: 'make_private', ticketId: hidden.ticketId, index: place(hidden, 0) } as const
  await simulator.mutate('acme', hide)
  await simulator.mutate('acme', {
    kind: 'redact',
    ticketId: redacted.ticketId,
    index: place(redacted, 0),
  })
  await simulator.advanceClock(120_000)
  await ask('PUT', '/admin/workspaces/w1', { zendesk_exclude_tags: ['secret'] })
  const latter = await connect('acme')
  await untilRunsEnd(db)

  t.not(latter, former)
  const expected = [
    ...simulator.expectedTranscripts('acme', { from: new Date(0), excludeTags: ['secret'] }),
  ].map(({ ticketId }) => ticketId)
  const live = await current(ask)
  t.deepEqual(
    live.map(({ transcript }) => transcript.ticket.id).sort((a, b) => a - b),
    expected.sort((a, b) => a - b),
  )
  t.deepEqual(
    differencesFrom(simulator, 'acme', [...live, ...lastWord(before).filter(is(excluded!))]),
    [],
  )
  for (const gone of [deleted!, wiped!, excluded!, hidden.ticketId]) {
    t.deepEqual(await toldOf(db, gone), ['published 1', 'retracted 2'])
  }
  for (const standing of [answered!, redacted.ticketId, untouched.ticketId]) {
    t.deepEqual(await toldOf(db, standing), ['published 1', 'published 2'])
  }
  t.deepEqual(await gapsIn(db), [])

  // What was taken back goes from the rows of either connection, and from no other.
  const isErased = async () => (await db.selectFrom('erasure').selectAll().execute()).length === 0
  await until(isErased)
  const texts = await db.selectFrom('transcriptRevision').selectAll().execute()
  const withdrawn = [...simulator.withdrawnTexts('acme')]
  t.true(withdrawn.some(({ ticketId }) => ticketId === redacted.ticketId))
  t.true(withdrawn.some(({ ticketId }) => ticketId === hidden.ticketId))
  for (const { ticketId, text } of withdrawn) {
    const said = texts.filter((it) => it.ticketId === ticketId)
    t.false(JSON.stringify(said).includes(JSON.stringify(text).slice(1, -1)), `ticket ${ticketId}`)
  }
  const kept = texts.filter((it) => it.ticketId === untouched.ticketId)
  t.deepEqual(
    kept.map(({ revision }) => revision),
    [1, 2],
  )
  const { json } = await ask('GET', '/v1/workspaces/w1/transcripts?limit=1000')
  const told = json.data.filter(is(untouched.ticketId))
  const by = told.map((publication: { integration_id: string }) => publication.integration_id)
  t.deepEqual(by, [former, latter])
})

function is(ticketId: number): (publication: Publication) => boolean {
  return ({ transcript }) => transcript.ticket.id === ticketId
}

/** The live transcripts, each as if it had been published once. */
async function current(ask: Ask): Promise<Publication[]> {
  const { json } = await ask('GET', '/v1/workspaces/w1/transcripts/current?limit=200')
  return json.data.map((transcript: Publication['transcript']) => ({
    type: 'transcript.published',
    transcript: { ...transcript, revision: 1 },
  }))
}
