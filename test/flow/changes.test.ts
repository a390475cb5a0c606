import test from 'ava'
import type { Mutation } from '../../src/simulator/mutation/mutation.ts'
import { type ExpectedTranscript } from '../../src/simulator/oracle.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { tokenSource } from '../../src/simulator/world/tokens.ts'
import { readTicketByTicket } from '../support/channels.ts'
import { startFrontDoor, startWorker } from '../support/front-door.ts'
import { wholeFeed } from '../support/service.ts'
import {
  differencesFrom,
  gapsIn,
  lastWord,
  toldOf,
  unaccounted,
  untilRunsEnd,
} from '../support/truth.ts'

const BIG_TICKET = 2
const PAGE_SIZE = 30

test('tickets that change while they are imported end as they are at the end', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 80,
        days: 80,
        shape: { bigTickets: 1, deletedShare: 0, messagingShare: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const { api, db, config, connect } = await startFrontDoor(t, simulator)
  await connect('acme')
  await readTicketByTicket(db)
  await db.updateTable('cursor').set({ pageSize: PAGE_SIZE }).execute()

  const onFirstPage = [...simulator.expectedTranscripts('acme', { from: new Date(0) })].filter(
    ({ ticketId }) => ticketId !== BIG_TICKET && ticketId <= PAGE_SIZE,
  )
  const take = (comments: (count: number) => boolean): ExpectedTranscript => {
    const index = onFirstPage.findIndex((it) => comments(it.comments.length))
    const [found] = onFirstPage.splice(index, 1)
    if (index === -1 || found === undefined) throw new Error('the account has no such ticket')
    return found
  }
  const one = (count: number) => count === 1
  const some = (count: number) => count > 1
  const any = () => true

  /** Right before the comments are read for the first time, or when all of them have been read. */
  const before = (ticketId: number, mutation: Mutation) =>
    simulator.setFault({ kind: 'change', mutation, family: 'comments', ticketId })
  const after = (mutation: Mutation) =>
    simulator.setFault({ kind: 'change', mutation, family: 'incremental', after: 1 })

  const deletedBefore = take(any).ticketId
  await before(deletedBefore, { kind: 'delete', ticketId: deletedBefore })
  const hiddenBefore = take(one)
  await before(hiddenBefore.ticketId, makePrivate(hiddenBefore, 0))
  const answeredBefore = take(any).ticketId
  await before(answeredBefore, { kind: 'add_comment', ticketId: answeredBefore })

  const deletedAfter = take(any).ticketId
  await after({ kind: 'delete', ticketId: deletedAfter })
  const spamAfter = take(any).ticketId
  await after({ kind: 'mark_as_spam', ticketId: spamAfter })
  const hiddenAfter = take(one)
  await after(makePrivate(hiddenAfter, 0))
  const partlyHiddenAfter = take(some)
  await after(makePrivate(partlyHiddenAfter, 1))
  const redactedAfter = take(some)
  await after({
    kind: 'redact',
    ticketId: redactedAfter.ticketId,
    index: indexOf(redactedAfter, 0),
  })
  const answeredAfter = take(any).ticketId
  await after({ kind: 'add_comment', ticketId: answeredAfter, by: 'agent' })
  const movedAfter = take(any).ticketId
  await after({ kind: 'system_update', ticketId: movedAfter })
  const notedAfter = take(any).ticketId
  await after({ kind: 'add_comment', ticketId: notedAfter, by: 'agent', isPublic: false })
  const restoredAfter = take(any).ticketId
  await after({ kind: 'delete', ticketId: restoredAfter })
  await after({ kind: 'restore', ticketId: restoredAfter })
  const source = take(any).ticketId
  const target = take(any).ticketId
  await after({ kind: 'merge', ticketId: source, into: target, isPublic: true })

  /** Between two pages of its comments, one change behind and one ahead of where it is read. */
  const paging = { family: 'comments', ticketId: BIG_TICKET } as const
  const hideFirst: Mutation = { kind: 'make_private', ticketId: BIG_TICKET, index: 0 }
  await simulator.setFault({ ...paging, kind: 'change', after: 1, mutation: hideFirst })
  const answer: Mutation = { kind: 'add_comment', ticketId: BIG_TICKET }
  await simulator.setFault({ ...paging, kind: 'change', after: 2, mutation: answer })

  // The export hides its last second; the last page waits until all of the above has come out.
  await simulator.setFault({
    kind: 'slow',
    ms: 2_500,
    family: 'incremental',
    after: 2,
    times: null,
  })
  startWorker(t, config)
  const [run] = await untilRunsEnd(db)

  t.is(run?.state, 'done')
  t.is(unaccounted(run!), 0)
  for (const { fault, hit } of await simulator.listFaults()) t.true(hit > 0, JSON.stringify(fault))
  const feed = await wholeFeed(api)
  t.deepEqual(differencesFrom(simulator, 'acme', lastWord(feed)), [])
  const told = (ticketId: number) => toldOf(db, ticketId)
  t.deepEqual(await gapsIn(db), [])
  for (const ticketId of [deletedBefore, hiddenBefore.ticketId])
    t.deepEqual(await told(ticketId), [])
  for (const ticketId of [deletedAfter, spamAfter, hiddenAfter.ticketId]) {
    t.deepEqual(await told(ticketId), ['published 1', 'retracted 2'])
  }
  for (const ticketId of [
    partlyHiddenAfter.ticketId,
    redactedAfter.ticketId,
    answeredAfter,
    source,
  ]) {
    t.deepEqual(await told(ticketId), ['published 1', 'published 2'])
  }
  for (const ticketId of [answeredBefore, movedAfter, notedAfter, restoredAfter]) {
    t.deepEqual(await told(ticketId), ['published 1'])
  }
  t.deepEqual(await told(BIG_TICKET), ['published 1', 'published 2'])
})

function indexOf({ comments }: ExpectedTranscript, place: number): number {
  return tokenSource(comments[place]?.publicToken ?? '').index
}

function makePrivate(transcript: ExpectedTranscript, place: number): Mutation {
  const { ticketId } = transcript
  return { kind: 'make_private', ticketId, index: indexOf(transcript, place) }
}
