import test, { type ExecutionContext } from 'ava'
import { compare } from '../../src/demo/compare.ts'
import { IntegrationId } from '../../src/ids.ts'
import type { Mutation } from '../../src/simulator/mutation/mutation.ts'
import type { ExpectedTranscript } from '../../src/simulator/oracle.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { PRIVATE_TOKEN, PUBLIC_TOKEN, tokenSource } from '../../src/simulator/world/tokens.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { SECRET, aReceiver } from '../support/receiver.ts'
import { wholeFeed } from '../support/service.ts'
import { gapsIn, lastWord, leaksIn, until, untilRunsEnd } from '../support/truth.ts'

test('what is taken back stands nowhere any more when receivers know it', async (t) => {
  const it = await imported(t)
  const { simulator, db, api } = it
  const one = it.take(({ comments }) => comments.length === 1)
  const [deleted, spam, restored, redacted, hidden, fileless, grown] = [
    it.take(),
    it.take(),
    it.take(),
    it.take(),
    it.take(({ comments }) => comments.length > 1),
    it.take(),
    it.take(),
  ]
  const file = await it.mutate({
    kind: 'add_comment',
    ticketId: fileless.ticketId,
    hasAttachment: true,
  })
  await it.mutate({ kind: 'add_comment', ticketId: grown.ticketId })
  await it.syncToTheEnd()

  await it.mutate(makePrivate(one, 0))
  await it.mutate({ kind: 'delete', ticketId: deleted.ticketId })
  await it.mutate({ kind: 'mark_as_spam', ticketId: spam.ticketId })
  await it.mutate({ kind: 'delete', ticketId: restored.ticketId })
  await it.mutate({ kind: 'redact', ticketId: redacted.ticketId, index: indexOf(redacted, 0) })
  await it.mutate(makePrivate(hidden, 1))
  await it.mutate({
    kind: 'redact_attachment',
    ticketId: fileless.ticketId,
    index: file.index ?? 0,
  })
  const [left] = it.rest()
  const excludeTags = left!.tags.slice(0, 1)
  await it.setFilters({ zendesk_exclude_tags: excludeTags })
  it.receiver.isOpen = false
  await it.syncToTheEnd()

  const leaving = it.rest().filter(({ tags }) => tags.includes(excludeTags[0]!))
  const withdrawn = [
    ...simulator.withdrawnTexts('acme'),
    ...leaving.flatMap(({ ticketId, comments }) =>
      comments.map(({ publicToken }) => ({ ticketId, text: publicToken! })),
    ),
  ]
  t.true(withdrawn.length >= 7)
  const found = (dump: string): string[] => withdrawnIn(dump, withdrawn)
  t.true(found(await dumpRows(it.url)).length > 0, 'the receiver has not got the retractions yet')

  it.receiver.isOpen = true
  await it.hurry()
  await it.untilErased()

  const dump = await dumpRows(it.url)
  t.deepEqual(found(dump), [])
  t.deepEqual(leaksIn(dump), [])
  const { rows } = await it.textsOfRetracted()
  t.is(rows, 0)

  await it.mutate({ kind: 'restore', ticketId: restored.ticketId })
  await it.syncToTheEnd()
  const expected = [
    ...simulator.expectedTranscripts('acme', { from: new Date(0), excludeTags }),
  ].filter(({ comments }) => comments.length > 0)
  const feed = await wholeFeed(api)
  t.deepEqual(compare(expected, lastWord(feed), PRIVATE_TOKEN).differences, [])
  t.deepEqual(await gapsIn(db), [])
  const revisions = feed
    .filter(({ transcript }) => transcript.ticket.id === grown.ticketId)
    .map(({ transcript }) => transcript.revision)
  const isIn = !grown.tags.includes(excludeTags[0]!)
  t.deepEqual(revisions, isIn ? [1, 2] : [3], 'what only grew is served in each revision')
})

/** Tokens stand in no row at all; what other tickets say as well, in no row of the ticket. */
function withdrawnIn(
  dump: string,
  withdrawn: readonly { readonly ticketId: number; readonly text: string }[],
): string[] {
  const rows = dump.split('\n')
  return withdrawn
    .filter(({ ticketId, text }) =>
      rows.some(
        (row) =>
          row.includes(JSON.stringify(text).slice(1, -1)) &&
          (text.match(PUBLIC_TOKEN) !== null || row.includes(`"ticket_id":${ticketId},`)),
      ),
    )
    .map(({ ticketId, text }) => `${ticketId}: ${text}`)
}

function indexOf({ comments }: ExpectedTranscript, place: number): number {
  return tokenSource(comments[place]?.publicToken ?? '').index
}

function makePrivate(transcript: ExpectedTranscript, place: number): Mutation {
  const { ticketId } = transcript
  return { kind: 'make_private', ticketId, index: indexOf(transcript, place) }
}

/** An account whose import is done, its worker, and a receiver that takes everything while it is open. */
async function imported(t: ExecutionContext) {
  const simulator = await startSimulator({
    seed: t.title,
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 60,
        days: 80,
        shape: { bigTickets: 0, deletedShare: 0, messagingShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const transcripts = [...simulator.expectedTranscripts('acme', { from: new Date(0) })]
  const receiver = { isOpen: true }
  const { url } = await aReceiver(t, (_, response) =>
    response.writeHead(receiver.isOpen ? 200 : 500).end(),
  )
  const door = await startFrontDoor(t, simulator, { SINK_URL: url, SINK_SECRET: SECRET })
  const integrationId = IntegrationId.parse(await door.connect('acme'))
  startWorker(t, door.config)
  await untilRunsEnd(door.db)
  await until(async () => (await door.db.selectFrom('delivery').selectAll().execute()).length > 0)
  const { db } = door
  return {
    ...door,
    simulator,
    receiver,
    mutate: (mutation: Mutation) => simulator.mutate('acme', mutation),
    take: (fits: (it: ExpectedTranscript) => boolean = () => true): ExpectedTranscript => {
      const index = transcripts.findIndex(fits)
      const [found] = transcripts.splice(index, 1)
      if (index === -1 || found === undefined) throw new Error('the account has no such ticket')
      return found
    },
    rest: () => transcripts,
    syncToTheEnd: async () => {
      await simulator.advanceClock(120_000)
      await db
        .insertInto('run')
        .values({ integrationId, kind: 'sync', windowFrom: new Date() })
        .execute()
      await untilRunsEnd(db)
    },
    setFilters: async (filters: object) => {
      const answer = await fetch(`${door.api.baseUrl}/admin/workspaces/w1`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${door.api.adminToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(filters),
      })
      if (!answer.ok) throw new Error(`the filters were answered with ${answer.status}`)
    },
    /** Lets the receiver be asked again at once. */
    hurry: () => db.updateTable('delivery').set({ nextAttemptAt: new Date() }).execute(),
    untilErased: () =>
      until(async () => {
        await db.updateTable('erasure').set({ dueAt: new Date() }).execute()
        return (await db.selectFrom('erasure').select('ticketId').execute()).length === 0
      }),
    textsOfRetracted: () =>
      db
        .selectFrom('transcriptRevision as revision')
        .innerJoin('transcript', (join) =>
          join
            .onRef('transcript.integrationId', '=', 'revision.integrationId')
            .onRef('transcript.ticketId', '=', 'revision.ticketId'),
        )
        .select(({ fn }) => fn.countAll<number>().as('rows'))
        .where('transcript.state', '=', 'retracted')
        .executeTakeFirstOrThrow(),
  }
}
