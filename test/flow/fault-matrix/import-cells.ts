import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { sql } from 'kysely'
import type { DateTime } from 'luxon'
import { type Simulator, startSimulator } from '../../../src/simulator/start.ts'
import { readTicketByTicket } from '../../support/channels.ts'
import { dumpRows } from '../../support/dump.ts'
import { type FrontDoor, startFrontDoor } from '../../support/front-door.ts'
import { spawnEntry } from '../../support/service.ts'
import { leaksIn, untilRunsEnd } from '../../support/truth.ts'
import { type Cell, faultsOf } from './cell.ts'
import { endingProblems, finalProblems, missedFaults } from './judge-cells.ts'
import type { Result } from './table.ts'

/** Integrations at once; those that hang occupy their places for half a minute and more. */
const CONCURRENCY = '40'

/** Runs that are not at their end by then are stuck. A hanging export takes 70 of them. */
const SECONDS = 400

export interface Matrix extends FrontDoor {
  readonly simulator: Simulator
  readonly cells: readonly Cell[]
  readonly ids: ReadonlyMap<Cell, string>
}

/**
 * Imports one account a cell, all of them by one worker, and holds how each import ends against what
 * was expected: first with the fault, then, where it has ended an import, after a person has
 * connected the account again.
 */
export async function importCells(t: ExecutionContext, cells: readonly Cell[]): Promise<Result[]> {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: cells.map(({ subdomain, tickets, isAboutTicket }) => ({
      subdomain,
      tickets,
      days: 80,
      // The ticket that faults wait for must not be a deleted one.
      shape: { bigTickets: isAboutTicket ? 1 : 0, deletedShare: isAboutTicket ? 0 : 0.1 },
      settings: { rates: { account: null, incremental: null } },
    })),
  })
  const door = await startFrontDoor(t, simulator, {
    LOG_LEVEL: 'trace',
    WORKER_CONCURRENCY: CONCURRENCY,
  })
  const ids = await connectAll(door, cells)
  const matrix: Matrix = { ...door, simulator, cells, ids }
  await arm(matrix)
  shortenPatience(t, matrix)

  const worker = spawnEntry(t, 'src/worker.ts', door.environment)
  await settled(door)
  const problems = await endingProblems(matrix)
  const missed = await missedFaults(simulator)
  await simulator.clearFaults()
  await takeUp(matrix)
  await settled(door)
  const left = await finalProblems(matrix)

  t.deepEqual(leaksIn(await dumpRows(door.url)), [])
  t.deepEqual(leaksIn(worker.output()), [])
  return cells.map((cell) => ({
    cell,
    problems: [problems, missed, left].flatMap((found) => found.get(cell.subdomain) ?? []),
  }))
}

/** A run that does not end is seen by its state; the others are worth looking at all the same. */
async function settled({ db }: FrontDoor): Promise<void> {
  await untilRunsEnd(db, SECONDS).catch(() => {})
}

async function connectAll(
  { connect }: FrontDoor,
  cells: readonly Cell[],
): Promise<ReadonlyMap<Cell, string>> {
  const ids = new Map<Cell, string>()
  const left = cells.toReversed()
  const connectOneByOne = async (): Promise<void> => {
    for (let cell = left.pop(); cell !== undefined; cell = left.pop()) {
      ids.set(cell, await connect(cell.subdomain, cell.subdomain))
    }
  }
  await Promise.all(Array.from({ length: 6 }, connectOneByOne))
  return ids
}

/** Sets the sizes of pages, ends the tokens that are to be refreshed ahead, and sets the faults. */
async function arm({ db, simulator, cells, ids }: Matrix): Promise<void> {
  await readTicketByTicket(db)
  for (const cell of cells) {
    const integrationId = ids.get(cell) ?? ''
    const { pageSize } = cell
    await db
      .updateTable('cursor')
      .set({ pageSize })
      .where('integrationId', '=', integrationId)
      .execute()
    if (cell.column.refresh === 'access token ended') {
      const ended = { expiresAt: new Date() }
      await db
        .updateTable('credential')
        .set(ended)
        .where('integrationId', '=', integrationId)
        .execute()
    }
    for (const fault of faultsOf(cell)) await simulator.setFault(fault)
  }
}

/**
 * Runs that wait go on at once; where patience is to end it is nearly at its end. The counts that
 * progress sets back are raised again and again.
 */
function shortenPatience(t: ExecutionContext, { db, cells, ids }: Matrix): void {
  const idsOf = (ending: Cell['expected']) =>
    cells.filter(({ expected }) => expected === ending).map((cell) => ids.get(cell) ?? '')
  const attempts = new Map([
    [27, idsOf('exhausted')],
    [3, idsOf('set aside')],
  ])
  const hurry = async (): Promise<void> => {
    const waiting = db.updateTable('run').where('state', '=', 'waiting')
    for (const [least, integrationIds] of attempts) {
      if (integrationIds.length === 0) continue
      await waiting
        .set({
          attempts: sql<number>`greatest(attempts, ${least}::integer)`,
          waitedSeconds: 86_400,
        })
        .where('integrationId', 'in', integrationIds)
        .where('attempts', '<', least)
        .execute()
    }
    await waiting
      .set({ resumeAt: new Date() })
      .where('resumeAt', '>', sql<DateTime>`now()`)
      .execute()
  }
  let isOver = false
  const hurried = (async () => {
    while (!isOver) {
      // A database that is busy for once must not end the hurry.
      await hurry().catch(() => {})
      await sleep(200)
    }
  })()
  t.teardown(async () => {
    isOver = true
    await hurried
  })
}

/** What an operator does: connects again what has ended with an error, and lets the rest be read again. */
async function takeUp({ db, cells, ids, reconnect }: Matrix): Promise<void> {
  const failed = await db
    .selectFrom('run')
    .select('integrationId')
    .where('state', '=', 'failed')
    .execute()
  for (const { integrationId } of failed) await reconnect(integrationId)
  const changed = cells.filter(({ row }) => row.fault.kind === 'change')
  for (const cell of changed) {
    const integrationId = ids.get(cell) ?? ''
    await db
      .insertInto('run')
      .values({ integrationId, kind: 'sync', windowFrom: new Date(0) })
      .execute()
  }
}
