import test, { type ExecutionContext } from 'ava'
import type { FaultKind } from '../../src/simulator/faults/fault.ts'
import { startSimulator } from '../../src/simulator/start.ts'
import { dumpRows } from '../support/dump.ts'
import { startFrontDoor } from '../support/front-door.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { differencesFrom, leaksIn, unaccounted, untilRunsEnd } from '../support/truth.ts'

/** Two tests, each of which runs a whole service: one after the other they fit on two cores. */

const TICKETS = 30
/** Three pages of the export. */
const PAGE_SIZE = 11
/** With 250 comments, three pages of them. It is the first one where there is no other. */
const bigTicket = (tickets: number) => Math.min(2, tickets)

const retryAfters = ['0.05', '0', '-3', 'soon', 'Wed, 21 Oct 2015 07:28:00 GMT', '0, 0.05', '']

const passing: readonly FaultKind[] = [
  ...retryAfters.map((retryAfter) => ({ kind: 'rate_limited', retryAfter }) as const),
  { kind: 'rate_limited', retryAfter: null },
  { kind: 'rate_limited', retryAfter: null, html: true },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502, html: true },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 503, retryAfter: '0.05' },
  { kind: 'status', status: 504 },
  { kind: 'redirect', location: 'http://127.0.0.1:9/' },
  { kind: 'truncated' },
  { kind: 'empty' },
  { kind: 'html' },
  { kind: 'reset' },
  { kind: 'cut_answer' },
  { kind: 'lost_answer' },
  { kind: 'repeated_page' },
  { kind: 'unmoved_cursor' },
  { kind: 'unknown_fields' },
]

interface Case {
  readonly fault: FaultKind
  /** Requests that go well first: the page at which it goes wrong. */
  readonly after: number
  readonly times: number | null
}

const onePage = (page: number): Case[] => passing.map((fault) => ({ fault, after: page, times: 1 }))

/** More often than one call is patient, so that the run comes back to it. */
const stubborn: readonly Case[] = [
  { fault: { kind: 'status', status: 500 }, after: 1, times: 8 },
  { fault: { kind: 'rate_limited', retryAfter: '0.05' }, after: 1, times: 8 },
  { fault: { kind: 'truncated' }, after: 0, times: 3 },
  { fault: { kind: 'reset' }, after: 2, times: 8 },
  { fault: { kind: 'unmoved_cursor' }, after: 1, times: 2 },
  { fault: { kind: 'unknown_fields' }, after: 0, times: null },
]

test.serial('whatever goes wrong with a page of the export, each ticket is published once', (t) =>
  importThrough(t, 'incremental', [
    ...[0, 1, 2].flatMap(onePage),
    ...stubborn,
    { fault: { kind: 'page_too_big', above: 10 }, after: 0, times: null },
    // The stored cursor is refused: the export is taken up from the last instant that it came to.
    { fault: { kind: 'status', status: 400 }, after: 1, times: 1 },
    { fault: { kind: 'status', status: 422 }, after: 2, times: 1 },
  ]),
)

test.serial('whatever goes wrong with a page of comments, each ticket is published once', (t) =>
  importThrough(t, 'comments', [
    // A first page that names itself as the next one is no slip: there is nothing it could repeat.
    ...onePage(0).filter(({ fault }) => fault.kind !== 'unmoved_cursor'),
    ...[1, 2].flatMap(onePage),
    ...stubborn,
    { fault: { kind: 'hang' }, after: 1, times: 1 },
  ]),
)

/** One account a case, all of them imported by one worker process that logs all it can. */
async function importThrough(
  t: ExecutionContext,
  family: 'incremental' | 'comments',
  cases: readonly Case[],
): Promise<void> {
  const accounts = cases.map((it, index) => {
    // The page of comments that comes again must be one of the same ticket.
    const tickets = family === 'comments' && it.fault.kind === 'repeated_page' ? 1 : TICKETS
    return { ...it, tickets, subdomain: `acme${index}` }
  })
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: accounts.map(({ subdomain, tickets }) => ({
      subdomain,
      tickets,
      days: 80,
      shape: { bigTickets: 1, deletedShare: family === 'comments' ? 0 : 0.1 },
      settings: { rates: { account: null, incremental: null } },
    })),
  })
  const { api, url, db, environment, connect } = await startFrontDoor(t, simulator, {
    LOG_LEVEL: 'trace',
    WORKER_CONCURRENCY: '12',
  })
  for (const { subdomain } of accounts) await connect(subdomain, subdomain)
  await db.updateTable('cursor').set({ pageSize: PAGE_SIZE }).execute()
  for (const { subdomain, tickets, fault, after, times } of accounts) {
    const scope = { family, ...(family === 'comments' && { ticketId: bigTicket(tickets) }) }
    await simulator.setFault({ ...scope, ...fault, subdomain, after, times })
  }

  const worker = spawnEntry(t, 'src/worker.ts', environment)
  const runs = await untilRunsEnd(db)

  const problems: Record<string, readonly string[]> = {}
  for (const { subdomain, ...it } of accounts) {
    const differences = differencesFrom(simulator, subdomain, await wholeFeed(api, subdomain))
    if (differences.length > 0)
      problems[`${subdomain} ${JSON.stringify(it)}`] = differences.slice(0, 3)
  }
  t.deepEqual(problems, {})
  for (const { fault, hit } of await simulator.listFaults()) {
    t.true(
      hit > 0 && (fault.times === null || hit === fault.times),
      `${JSON.stringify(fault)}: ${hit}`,
    )
  }
  t.deepEqual(new Set(runs.map((run) => `${run.state} ${unaccounted(run)}`)), new Set(['done 0']))
  t.deepEqual(leaksIn(await dumpRows(url)), [])
  t.deepEqual(leaksIn(worker.output()), [])
}
