import type { TicketId } from '../../ids.ts'
import type { KnownTicket } from '../../ticket/store.ts'
import type { ExportedTicket, TicketComments } from '../../zendesk/types.ts'
import { type Change, decide, judge } from './decide.ts'
import { authorsOf } from '../events/history.ts'
import { reasonToSetAside } from './set-aside-once.ts'
import type { Batch, Pass, PassDeps } from '../store-tickets-once.ts'
import { differs, isSampled } from './drift.ts'
import { termsOf } from './terms.ts'

/** A batch that is being worked on. */
export interface Work {
  readonly isAside: boolean
  readonly known: ReadonlyMap<TicketId, KnownTicket>
  readonly isLook: boolean
  readonly tickets: readonly ExportedTicket[]
  /** Conversations that are known without asking for comments. */
  readonly histories: ReadonlyMap<TicketId, TicketComments>
  /** Whether authors are staff, as answers told, until that is stored. */
  readonly authors: Map<number, boolean>
  /** Tickets that readers are told something new of. */
  readonly news: Set<TicketId>
  /** Tickets whose comments were asked for, or known without. */
  needed: number
  asked: number
  /** What was read a second time, until that is stored. */
  drift: { sampled: number; found: number }
  skippedSampled: number
}

export function startWork(
  batch: Batch,
  tickets: readonly ExportedTicket[],
  known: ReadonlyMap<TicketId, KnownTicket>,
): Work {
  return {
    known,
    tickets,
    isLook: batch.kind === 'look',
    isAside: batch.isAside ?? batch.kind === 'look',
    histories: batch.histories ?? new Map(),
    authors: new Map(),
    news: new Set(),
    needed: 0,
    asked: 0,
    drift: { sampled: 0, found: 0 },
    skippedSampled: 0,
  }
}

/** Decides what becomes of a ticket: by its row, by the event stream, or by its comments. */
export async function settleOnce(
  deps: PassDeps,
  pass: Pass,
  ticket: ExportedTicket,
  work: Work,
): Promise<Change> {
  const known = work.known.get(ticket.id)
  const verdict = judge(ticket, known, termsOf(pass, Date.now(), work.isLook))
  if (verdict.kind === 'settled') {
    const isDoubted = isSkippedSample(deps, pass, ticket, work, verdict.change)
    return isDoubted
      ? checkOnce(deps, pass, { ticket, work, expected: verdict.change })
      : verdict.change
  }
  work.needed += 1
  const history = work.histories.get(ticket.id)
  if (history === undefined) return readOnce(deps, pass, ticket, work)
  const expected = decide(ticket, known, history)
  const isDoubted = isSampled(pass.run.id, ticket.id, deps.driftShare)
  return isDoubted ? checkOnce(deps, pass, { ticket, work, expected }) : expected
}

/**
 * Rows that the export shows anew and that tell nothing new are doubted as well, but never more of
 * them than a share of what is read anyhow: a flood of rows that change nothing costs nothing.
 */
function isSkippedSample(
  { driftShare }: PassDeps,
  { run }: Pass,
  ticket: ExportedTicket,
  work: Work,
  change: Change,
): boolean {
  const known = work.known.get(ticket.id)
  const isSkipped =
    change.kind === 'unchanged' &&
    change.outcome === 'published' &&
    known !== undefined &&
    ticket.generatedAt > known.generatedAt
  if (!isSkipped || work.skippedSampled >= Math.ceil(work.needed * driftShare)) return false
  if (!isSampled(run.id, ticket.id, driftShare)) return false
  work.skippedSampled += 1
  return true
}

async function readOnce(
  deps: PassDeps,
  pass: Pass,
  ticket: ExportedTicket,
  work: Work,
): Promise<Change> {
  const known = work.known.get(ticket.id)
  try {
    work.asked += 1
    const { signal } = pass
    const read = await deps.zendesk.listComments(pass.account, ticket.id, { signal })
    if (read !== null) {
      for (const id of authorsOf(read.comments)) work.authors.set(id, read.staffIds.has(id))
    }
    return decide(ticket, known, read)
  } catch (error) {
    const reason = await reasonToSetAside(deps, pass, { ticket, among: work.tickets }, error)
    if (reason === undefined) throw error
    return { kind: 'quarantined', ticket, reason }
  }
}

interface Doubted {
  readonly ticket: ExportedTicket
  readonly work: Work
  readonly expected: Change
}

/**
 * Reads a ticket at the comments endpoint although that was not needed: what it says counts. Where it
 * says something else although the ticket has not changed since its row was shown, that is drift.
 */
async function checkOnce(
  deps: PassDeps,
  pass: Pass,
  { ticket, work, expected }: Doubted,
): Promise<Change> {
  const actual = await readOnce(deps, pass, ticket, work)
  if (actual.kind === 'quarantined') return expected
  work.drift.sampled += 1
  if (!differs(expected, actual, work.known.get(ticket.id))) return expected
  const { signal } = pass
  const shown = await deps.zendesk.showTicket(pass.account, ticket.id, { signal })
  if (shown !== null && shown.updatedAt <= ticket.updatedAt) work.drift.found += 1
  return actual
}
