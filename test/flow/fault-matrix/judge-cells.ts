import type { Kysely } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import type { Simulator } from '../../../src/simulator/start.ts'
import { wholeFeed } from '../../support/service.ts'
import { differencesFrom, lastWord, unaccounted } from '../../support/truth.ts'
import { type Cell, type Ending, bigTicket } from './cell.ts'
import type { Matrix } from './import-cells.ts'

/** By subdomain. */
export type Problems = ReadonlyMap<string, readonly string[]>

/** Where an import has not ended as expected. */
export async function endingProblems({ db, cells, ids }: Matrix): Promise<Problems> {
  const endings = await readEndings(db)
  return new Map(
    cells.map((cell) => {
      const found = endings.get(ids.get(cell) ?? '') ?? 'without a run'
      const accepted = acceptedEndings(cell).map((ending) => describe(ending, cell))
      const isAccepted = accepted.includes(found)
      return [cell.subdomain, isAccepted ? [] : [`${found} instead of ${accepted[0]}`]]
    }),
  )
}

/** Faults that were not met as often as they were to be: their cells would show nothing. */
export async function missedFaults(simulator: Simulator): Promise<Problems> {
  const faults = await simulator.listFaults()
  const missed = faults.filter(({ fault, hit }) => {
    const times = fault.times === undefined ? 1 : fault.times
    return hit === 0 || (times !== null && hit < times)
  })
  return new Map(missed.map(({ fault }) => [fault.subdomain ?? '', [`no ${fault.kind} was met`]]))
}

/** What is not as it would be had there been no fault: publications, ledgers, states. */
export async function finalProblems({ api, db, simulator, cells, ids }: Matrix): Promise<Problems> {
  const problems = new Map<string, string[]>()
  const runs = await db.selectFrom('run').selectAll().execute()
  const active = await db
    .selectFrom('integration')
    .select('id')
    .where('status', '=', 'active')
    .execute()
  const activeIds = new Set(active.map(({ id }) => id))
  for (const cell of cells) {
    const id = ids.get(cell) ?? ''
    const own = runs.filter(({ integrationId }) => integrationId === id)
    const publications = await wholeFeed(api, cell.subdomain)
    const isChanged = cell.row.fault.kind === 'change'
    const standing = isChanged ? lastWord(publications) : publications
    const differences = differencesFrom(simulator, cell.subdomain, standing)
    const accepted = new Set(acceptedDifferences(cell))
    problems.set(cell.subdomain, [
      ...differences.filter((line) => !accepted.has(line)).slice(0, 3),
      ...[...accepted].filter((line) => !differences.includes(line)).map((it) => `lacks: ${it}`),
      ...own
        .filter((run) => unaccounted(run) !== 0)
        .map(() => 'the ledger of a run does not close'),
      ...(own.some(({ state }) => state === 'done') ? [] : ['no run is done']),
      ...(activeIds.has(id) ? [] : ['the integration is not active']),
    ])
  }
  return problems
}

/** Without the ticket that was set aside, or that Zendesk itself took for deleted, all others stand. */
function acceptedDifferences({ expected, tickets }: Cell): readonly string[] {
  const isWithout = expected === 'set aside' || expected === 'gone'
  return isWithout ? [`ticket ${bigTicket(tickets)}: not published`] : []
}

/** Of two that ask for a new token at once, the second may find the old one used and its pair lost. */
function acceptedEndings({ expected, column }: Cell): readonly Ending[] {
  const isUnread = column.refresh !== null && expected === 'zendesk_shape'
  return isUnread ? [expected, 'credentials_revoked'] : [expected]
}

function describe(ending: Ending, { tickets }: Cell): string {
  switch (ending) {
    case 'same':
    case 'gone':
      return 'active, done'
    case 'set aside':
      return `active, done, without ${bigTicket(tickets)}`
    case 'exhausted':
      return 'active, failed: retries_exhausted'
    default:
      return `errored: ${ending}, failed: ${ending}`
  }
}

async function readEndings(db: Kysely<Database>): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('integration')
    .innerJoin('run', 'run.integrationId', 'integration.id')
    .select(['integration.id', 'status', 'integration.errorCode as flag', 'state', 'run.errorCode'])
    .execute()
  const setAside = await db
    .selectFrom('ticket')
    .select(['integrationId', 'ticketId'])
    .where('outcome', '=', 'quarantined')
    .where('reason', 'is not', null)
    .orderBy('ticketId')
    .execute()
  return new Map(
    rows.map(({ id, status, flag, state, errorCode }) => {
      const without = setAside.filter((row) => row.integrationId === id)
      const parts = [
        flag === null ? status : `${status}: ${flag}`,
        errorCode === null ? state : `${state}: ${errorCode}`,
        ...(without.length > 0 ? [`without ${without.map((row) => row.ticketId).join(', ')}`] : []),
      ]
      return [id, parts.join(', ')]
    }),
  )
}
