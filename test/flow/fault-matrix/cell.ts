import type { IntegrationErrorCode } from '../../../src/platform/errors.ts'
import type { Fault, FaultKind } from '../../../src/simulator/faults/fault.ts'

/**
 * How an import ends that meets a fault: as if nothing had been (`same`); with one ticket set aside
 * or taken for deleted; failed after all patience, with its cursor; or flagged with this code.
 */
export type Ending = 'same' | 'set aside' | 'gone' | 'exhausted' | IntegrationErrorCode

/** `null` where the fault cannot occur, or would be no fault. */
export type Verdict = Ending | null

/** Verdicts for the first, the middle and the last page. */
type ByPage = readonly [Verdict, Verdict, Verdict]

export interface Verdicts {
  readonly export: Verdict | ByPage
  readonly comments: Verdict | ByPage
  readonly me: Verdict
  readonly token: Verdict
}

export interface Row {
  readonly name: string
  readonly fault: FaultKind
  /** Requests that are hit; null: all from then on. */
  readonly times: number | null
  readonly verdicts: Verdicts
}

/** With 250 comments, three pages of them. It is the first one where there is no other. */
export const bigTicket = (tickets: number): number => Math.min(2, tickets)

export interface Column {
  readonly name: string
  readonly scope: Pick<Fault, 'family' | 'path' | 'method'>
  /** Whether the fault waits for the ticket with three pages of comments. */
  readonly isAboutTicket: boolean
  /** Requests that go well first. */
  readonly after: number
  /** What makes a refresh necessary right before; without, there is none. */
  readonly refresh: 'access token ended' | FaultScopeOfRefusal | null
  readonly verdictOf: (verdicts: Verdicts) => Verdict
}

/** The request whose token is refused, so that it brings the refresh about. */
export type FaultScopeOfRefusal = Pick<Fault, 'family' | 'path' | 'after'> & {
  readonly isAboutTicket: boolean
}

const pages = ['first', 'middle', 'last'] as const
const at = (verdict: Verdict | ByPage, page: number): Verdict =>
  typeof verdict === 'string' || verdict === null ? verdict : (verdict[page] ?? null)

const still = { refresh: null } as const

/** Other exports of the same family have columns of their own. */
const EXPORT = { family: 'incremental', path: '/incremental/tickets/cursor' } as const

export const exportColumns: readonly Column[] = pages.map((name, page) => ({
  ...still,
  name,
  scope: EXPORT,
  isAboutTicket: false,
  after: page,
  verdictOf: (verdicts) => at(verdicts.export, page),
}))

export const commentColumns: readonly Column[] = pages.map((name, page) => ({
  ...still,
  name,
  scope: { family: 'comments' },
  isAboutTicket: true,
  after: page,
  verdictOf: (verdicts) => at(verdicts.comments, page),
}))

/** The user of the token is asked for on one page, at the start of a slice and after a refresh. */
const meColumn: Column = {
  ...still,
  name: 'users/me',
  scope: { family: 'users' },
  isAboutTicket: false,
  after: 0,
  verdictOf: (verdicts) => verdicts.me,
}

const refreshColumn = (name: string, refresh: NonNullable<Column['refresh']>): Column => ({
  name,
  scope: { family: 'oauth', method: 'POST', path: '/oauth/tokens' },
  isAboutTicket: false,
  after: 0,
  refresh,
  verdictOf: (verdicts) => verdicts.token,
})

export const tokenColumns: readonly Column[] = [
  meColumn,
  refreshColumn('refresh ahead', 'access token ended'),
  refreshColumn('in users/me', { family: 'users', isAboutTicket: false }),
  refreshColumn('in export', { ...EXPORT, after: 1, isAboutTicket: false }),
  refreshColumn('in comments', { family: 'comments', after: 1, isAboutTicket: true }),
]

export interface Cell {
  readonly row: Row
  readonly column: Column
  readonly subdomain: string
  readonly expected: Ending
  /** Whether one of its tickets has three pages of comments. */
  readonly isAboutTicket: boolean
  readonly tickets: number
  readonly pageSize: number
}

const TICKETS = 9
/** Then 4, then the rest: three pages, none of which is empty. */
const PAGE_SIZE = 3
/** Pages are not made smaller than ten, so that only larger ones can be too large. */
const LARGE_PAGE = 22
/** Three pages of this size, which grows. */
const MANY_TICKETS = 60

/** All of the matrix takes ten minutes of a core; a sixth has each fault in some family. */
const PART = process.env['MATRIX'] === 'whole' ? 1 : 6

/** Every fault in every family where it can occur; each with an account of its own. */
export function cellsOf(rows: readonly Row[], columns: readonly Column[]): Cell[] {
  return rows
    .flatMap((row, down) =>
      columns.flatMap((column, right): Omit<Cell, 'subdomain'>[] => {
        const expected = column.verdictOf(row.verdicts)
        if (expected === null || (down + right) % PART !== 0) return []
        // The page of comments that comes again must be one of the same ticket.
        const isAlone = row.fault.kind === 'repeated_page' && column.isAboutTicket
        const isTooBig = row.fault.kind === 'page_too_big'
        const tickets = isAlone ? 1 : isTooBig ? MANY_TICKETS : TICKETS
        const pageSize = isTooBig ? LARGE_PAGE : PAGE_SIZE
        return [{ row, column, expected, isAboutTicket: needsBig(column), tickets, pageSize }]
      }),
    )
    .map((cell, index) => ({ ...cell, subdomain: `cell${index}` }))
}

function needsBig({ isAboutTicket, refresh }: Column): boolean {
  return isAboutTicket || (typeof refresh === 'object' && refresh?.isAboutTicket === true)
}

/** The faults of a cell. Of those that match a request the first one decides. */
export function faultsOf({ row, column, subdomain, tickets, expected }: Cell): Fault[] {
  const ticketId = bigTicket(tickets)
  const about = (isAboutTicket: boolean) => (isAboutTicket ? { ticketId } : {})
  const { refresh, scope, after, isAboutTicket } = column
  const fault = {
    ...row.fault,
    ...scope,
    ...about(isAboutTicket),
    subdomain,
    after,
    times: row.times,
  }
  if (refresh === null || refresh === 'access token ended') return [fault]
  const { isAboutTicket: refusedAboutTicket, ...refused } = refresh
  // A token that ended stays refused as long as there is no new one, whichever ticket is asked for.
  const refusals = expected === 'same' ? 1 : row.times
  const target = { ...refused, ...about(refusedAboutTicket && refusals !== null), subdomain }
  return [{ kind: 'status', status: 401, ...target, times: refusals }, fault]
}
